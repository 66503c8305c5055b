using System.Reflection;
using Vtpm.Engine.Commands.Startup;
using Vtpm.Engine.Tests.Commands.Ownership;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.State;

/// <summary>
/// What the record of a boot and TPM_SaveState carry over of every region of the state. Whoever adds a region must say here whether they do.
/// </summary>
public class KeptRegionsTests
{
    /// <summary>
    /// boot: the record of a boot brings it back. saved: TPM_SaveState and TPM_Startup(ST_STATE) do. permanent: neither need, it is in the state file
    /// anyway. not: begins anew. parts: its members have rows of their own.
    /// </summary>
    private const string Fates = """
        TpmState Permanent               permanent
        TpmState StClearFlags            boot saved
        TpmState StClearData             parts
        TpmState StAnyFlags              parts
        TpmState StAnyData               not
        TpmState Pcrs                    boot saved
        TpmState Keys                    saved
        TpmState Sessions                not
        TpmState Transports              not
        TpmState DaaSessions             not
        TpmState Sha1Thread              not
        TpmState IsEndorsementKeyFresh   not
        TpmState FailureCause            not
        TpmState LockoutStart            not

        StClearData ContextNonceKey      boot saved
        StClearData CountId              boot saved
        StClearData OwnerReference       boot saved
        StClearData DeferredPhysicalPresence boot saved
        StClearData NvWriteLocks         boot saved
        StClearData NvReadLocks          boot saved

        StAnyFlags PostInitialise        not
        StAnyFlags TosPresent            boot
        """;

    private static readonly Dictionary<string, string[]> Rows = Fates.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .ToDictionary(words => $"{words[0]}.{words[1]}", words => words[2..]);

    [Fact]
    public void BootRecord_EveryRegion_ComesBackWhereItIsSetDown()
    {
        TpmState used = UsedTpm.Create().State;
        AssertKept("boot", used, Resumed(used));
    }

    [Fact]
    public void SaveState_EveryRegion_ComesBackWhereItIsSetDown()
    {
        TestTpm tpm = UsedTpm.Create();
        TpmState used = tpm.State;
        Save(tpm);
        AssertKept("saved", used, tpm.State);
    }

    /// <summary>A flag that is added is described where the others are.</summary>
    [Fact]
    public void StClearFlags_EachOne_IsKeptByBoth()
    {
        FieldInfo[] flags = typeof(TpmStClearFlags).GetFields(BindingFlags.Public | BindingFlags.Instance);
        Assert.NotEmpty(flags);
        foreach (FieldInfo flag in flags)
        {
            object changed = default(TpmStClearFlags);
            flag.SetValue(changed, true);
            var tpm = new TestTpm();
            tpm.State = tpm.State with { StClearFlags = (TpmStClearFlags)changed };
            TpmState restored = Resumed(tpm.State);
            Assert.True(Equals(changed, restored.StClearFlags), $"the record of a boot does not have {flag.Name}");
            Save(tpm);
            Assert.True(Equals(changed, tpm.State.StClearFlags), $"TPM_SaveState does not keep {flag.Name}");
        }
    }

    /// <summary>A TPM that has just been started, with the record of another one's boot.</summary>
    private static TpmState Resumed(TpmState used)
    {
        byte[] record = new byte[BootFormat.MaxSize];
        return BootFormat.Restore(new TestTpm().State, record.AsSpan(0, BootFormat.Write(used, record)));
    }

    /// <summary>TPM_SaveState, the state file, and TPM_Startup(ST_STATE) of the TPM that reads it.</summary>
    private static void Save(TestTpm tpm)
    {
        tpm.Send(new SaveState(), default);
        byte[] file = StateFormat.Write(tpm.State.Permanent, new ScratchArena()).ToArray();
        tpm.State = tpm.Engine.PowerOn(StateFormat.Read(file, new FixedRsa()));
        tpm.Send(new Startup(), new StartupRequest { StartupType = TpmStartupType.State });
    }

    private static void AssertKept(string by, TpmState used, TpmState restored)
    {
        var seen = new HashSet<string>();
        Check(by, used, restored, new TestTpm().State, seen);
        Assert.Empty(Rows.Keys.Except(seen));
    }

    private static void Check(string by, object used, object restored, object initial, HashSet<string> seen)
    {
        foreach ((string name, Func<object, object?> get) in Regions.Of(used.GetType()))
        {
            string region = $"{used.GetType().Name}.{name}";
            Assert.True(Rows.TryGetValue(region, out string[]? fates), $"do the record of a boot and TPM_SaveState keep {region}?");
            seen.Add(region);
            if (fates is ["parts"])
            {
                Check(by, get(used)!, get(restored)!, get(initial)!, seen);
            }
            else if (fates.Contains(by))
            {
                Assert.True(Regions.Same(get(used), get(restored)), $"{region} does not come back");
                Assert.False(Regions.Same(get(used), get(initial)), $"{region} was as in a new TPM: the test shows nothing");
            }
        }
    }
}
