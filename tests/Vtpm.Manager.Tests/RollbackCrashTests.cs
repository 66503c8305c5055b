using System.Buffers.Binary;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Engine;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Storage.Tests;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>
/// The power goes at every write, every barrier and every command that changes the hardware TPM. Each disk that may be left opens with the TPM of
/// that moment, without anybody's accepting anything; afterwards it is protected as if nothing had happened.
/// </summary>
public sealed class RollbackCrashTests
{
    private const int Disk = 0;
    private const int Hardware = 1;

    private static readonly TpmDigest Another = TpmDigest.Of("another platform"u8);

    private readonly Random _random = new(PowerCuts.Seed);

    [Fact]
    public void Provisioning_StoppedAnywhere_IsDoneByTheNextStart() =>
        Check(new RollbackRig(provision: false), rig => rig.Rig.Provision(), startsAnew: false, (_, _) => { });

    /// <summary>
    /// Protection is required, and the hardware does not count when the image first comes to be on the disk: the list is durable, and so answered.
    /// </summary>
    [Fact]
    public void FirstGroupUpdateUnderRequired_StoppedAnywhere_IsThereIfItWasAnswered()
    {
        const ulong sequence = 1UL << 40;
        var rig = new RollbackRig(Required, provision: false);
        TpmDigest present = rig.PresentPlatform();
        Check(
            rig,
            running =>
            {
                running.Rig.GiveAuthority();
                running.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? RollbackRig.Answer(TpmResult.BadCounter) : null;
                Assert.Equal(TpmResult.Success, running.Approve(sequence, present));
                running.Intercept = null;
                Assert.Throws<VtpmManagerException>(() => running.Save(1));
            },
            startsAnew: false,
            (manager, done) => Assert.True(!done || manager.Manager.Service.Image.Groups[0].ConfigurationSequence == sequence),
            Required);
    }

    [Fact]
    public void SetUpOfAnOlderImage_StoppedAnywhere_IsDoneByTheNextStart()
    {
        var rig = new RollbackRig(options => options with { RollbackProtection = RollbackProtection.Off });
        rig.Image.SetCounter(0, default);   // as the original may have them
        rig.Image.SetNvram(0, default);
        rig.Image.Save();
        rig.Save(1);
        Check(rig, _ => { }, startsAnew: true, (manager, _) => Assert.Equal(1, Load(manager)));
    }

    [Fact]
    public void Start_StoppedAnywhere_IsNoReasonToRefuseTheNext()
    {
        var rig = new RollbackRig();
        rig.Save(1);
        Check(rig, _ => { }, startsAnew: true, (manager, _) => Assert.Equal(1, Load(manager)));
    }

    [Fact]
    public void Saves_StoppedAnywhere_KeepWhatWasAcknowledged()
    {
        var rig = new RollbackRig();
        rig.Save(1);
        Check(
            rig,
            running =>
            {
                running.SaveLater(2);
                running.SaveLater(3);
            },
            startsAnew: false,
            (manager, done) => Assert.InRange(Load(manager), done ? 3 : 1, 3));
    }

    [Fact]
    public void Stop_StoppedAnywhere_KeepsWhatWasAcknowledged()
    {
        var rig = new RollbackRig();
        rig.Save(1);
        Check(
            rig,
            running =>
            {
                running.Save(2);
                running.Rig.Manager.Stop();
            },
            startsAnew: false,
            (manager, done) => Assert.InRange(Load(manager), done ? 2 : 1, 2));
    }

    [Fact]
    public void GroupUpdate_StoppedAnywhere_IsThereWholeOrNotAtAll()
    {
        var rig = new RollbackRig();
        rig.Save(1);
        TpmDigest present = rig.PresentPlatform();
        Check(
            rig,
            running => Assert.Equal(TpmResult.Success, running.Approve(1UL << 40, present, Another)),
            startsAnew: false,
            (manager, done) =>
            {
                Assert.Equal(1, Load(manager));
                Assert.InRange(manager.Manager.Service.Image.Groups[0].Platforms.Count, done ? 2 : 1, 2);
            });
    }

    [Fact]
    public void ManagerRotate_StoppedAnywhere_OpensUnderOneOfItsKeys()
    {
        var rig = new RollbackRig();
        rig.Save(1);
        Check(
            rig,
            running => Assert.Equal(TpmResult.Success, running.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.ManagerRotate)),
            startsAnew: false,
            (manager, _) => Assert.Equal(1, Load(manager)));
    }

    [Fact]
    public void Acceptance_StoppedAnywhere_IsAskedForAgainOrDone()
    {
        var rig = new RollbackRig();
        rig.Save(1);
        byte[] backup = rig.Copy();
        rig.SaveLater(2);
        string refusal = rig.Refusal(backup);
        string name = refusal[(refusal.LastIndexOf(' ') + 1)..];
        Check(
            rig, _ => { }, startsAnew: true, (manager, _) => Assert.Equal(1, Load(manager)),
            options => options with { AcceptRestored = name });
    }

    private static ManagerOptions Required(ManagerOptions options) => options with { RollbackProtection = RollbackProtection.Required };

    private void Check(
        RollbackRig rig, Action<RollbackRig> act, bool startsAnew, Action<ManagerRig, bool> verify, Func<ManagerOptions, ManagerOptions>? with = null)
    {
        using (rig)
        {
            byte[] before = rig.Copy();
            var history = new List<DiskOperation>();
            var states = new List<TpmState>();
            var store = new RecordingStore(rig.Rig.Image);
            Func<ManagerOptions, ManagerOptions> recorded = options => (with?.Invoke(options) ?? options) with { Image = store };
            if (!startsAnew)
            {
                rig.Restart(recorded);
                before = rig.Copy();
            }

            Record(rig, store, history, states);
            if (startsAnew) rig.StartWith(before, recorded);
            act(rig);
            int cuts = 0;
            foreach (PowerCut cut in PowerCuts.Of([before, new byte[sizeof(int)]], history, _random, PowerCuts.IsLong ? PowerCuts.Each : 1))
            {
                Recover(cut, states[BinaryPrimitives.ReadInt32BigEndian(cut.Disks[Hardware])], cut.Done == history.Count, verify, with);
                cuts++;
            }

            Assert.True(cuts > 10, $"{cuts}");
        }
    }

    /// <summary>The TPM is a disk that holds the number of its state; each change is durable before its answer.</summary>
    private static void Record(RollbackRig rig, RecordingStore store, List<DiskOperation> history, List<TpmState> states)
    {
        states.Add(rig.Tpm.State);
        store.Observe = operation => history.Add(new(Disk, operation));
        rig.Tpm.Executed += _ =>
        {
            if (ReferenceEquals(rig.Tpm.State.Permanent, states[^1].Permanent)) return;
            byte[] number = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(number, states.Count);
            states.Add(rig.Tpm.State);
            history.Add(new(Hardware, new StoreOperation(0, number)));
            history.Add(new(Hardware, new StoreOperation(0, null)));
        };
    }

    private static void Recover(PowerCut cut, TpmState state, bool done, Action<ManagerRig, bool> verify, Func<ManagerOptions, ManagerOptions>? with)
    {
        using var machine = new EngineHardware();
        machine.Tpm.State = state;
        machine.Tpm.PowerCycle();
        using ManagerRig manager = Start(machine, cut, with);
        if (!manager.Manager.IsProvisioned) manager.Provision();
        Assert.True(IsProtected(manager), $"{cut.Name}:\n{string.Join('\n', manager.Log)}");
        verify(manager, done);

        // Nothing of what was interrupted is left: one mask, and a counter that is where the image is.
        ManagerImage image = manager.Manager.Service.Image;
        PermanentState hardware = machine.Tpm.State.Permanent;
        Assert.Equal(image.CounterValue, hardware.Counters.Counters.Find(image.CounterIndex)!.Value);
        ReadOnlyMemory<byte> area = hardware.Nv.Find(image.NvramSlot)!.Data;
        Assert.Equal(1, Enumerable.Range(0, 2).Count(place => area.Slice(place * 24, 24).Span.ContainsAnyExcept((byte)0)));
        Assert.Equal(1, hardware.Nv.Areas.Length);
        Assert.True(hardware.Counters.Counters.Count == 1, cut.Name);

        machine.PowerCycle();
        manager.Restart();
        Assert.True(IsProtected(manager), cut.Name);
        verify(manager, done);
    }

    private static ManagerRig Start(EngineHardware machine, PowerCut cut, Func<ManagerOptions, ManagerOptions>? with)
    {
        try
        {
            return new ManagerRig(machine, cut.Disks[Disk], provision: false, with);
        }
        catch (ManagerException e) when (with is not null && e.Message.Contains("names another image", StringComparison.Ordinal))
        {
            // What was to be accepted has been saved as the newest, or has got another name meanwhile.
            Assert.Contains("an older image was put back", e.Message, StringComparison.Ordinal);
            string name = e.Message[(e.Message.LastIndexOf(' ') + 1)..];
            return new ManagerRig(machine, cut.Disks[Disk], provision: false, options => options with { AcceptRestored = name });
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{cut.Name}: {e.Message}", e);
        }
    }

    private static bool IsProtected(ManagerRig manager) =>
        manager.Log.Any(line => line.Contains("older copies of the image are refused", StringComparison.Ordinal));

    private static byte Load(ManagerRig manager)
    {
        byte[] key = new byte[VtpmHashKey.MaxSize];
        using VtpmManagerClient vtpm = manager.Vtpm(RollbackRig.Vtpm);
        Assert.NotEqual(0, vtpm.LoadHashKey(key));
        return key[0];
    }
}
