using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>
/// The commands that Part 2 §17 calls available on a disabled or deactivated TPM, but which decide by what they are asked to do: the NV commands
/// ("sometimes"), and TPM_SetCapability by the restrictions of Part 2 §7.1.1 to §7.5.1. The rest of the columns is in
/// <see cref="OrdinalTableTests"/>.
/// </summary>
public class AvailabilityTests
{
    private const uint OwnersIndex = TestTpm.NvIndex;
    private const uint PresenceIndex = TestTpm.NvIndex + 1;

    /// <summary>Each on a TPM that has an owner, somebody present and its NV areas protected, at locality 3.</summary>
    private static readonly Dictionary<string, Use> Uses = new()
    {
        ["NvDefineSpace"] = new(Success, Disabled, Deactivated, tpm =>
            tpm.TryDefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite, index: TestTpm.NvIndex + 2))),
        ["NvReadValue owner"] = new(Success, Disabled, Deactivated, tpm => tpm.ReadNv(1, out _, index: OwnersIndex, auths: tpm.AsOwner())),
        ["NvReadValue presence"] = new(Success, Success, Success, tpm => tpm.ReadNv(1, out _, index: PresenceIndex)),
        ["NvReadValue DIR"] = new(Success, Success, Success, tpm => tpm.ReadNv(1, out _, index: TpmNvIndex.Dir)),
        ["NvWriteValue owner"] = new(Success, Disabled, Deactivated, tpm => tpm.WriteNv([1], index: OwnersIndex, auths: tpm.AsOwner())),
        ["NvWriteValue presence"] = new(Success, Success, Success, tpm => tpm.WriteNv([1], index: PresenceIndex)),
        ["NvWriteValue INDEX0"] = new(Success, Success, Success, tpm => tpm.WriteNv([], index: TpmNvIndex.Index0)),
        ["SetCapability disable"] = new(Success, Success, Success, tpm => Set(tpm, TpmPermanentFlag.Disable, true, tpm.AsOwner())),
        ["SetCapability ownership"] = new(OwnerSet, Disabled, Deactivated, tpm => Set(tpm, TpmPermanentFlag.Ownership, true)),
        ["SetCapability deactivated"] = new(Success, Disabled, Success, tpm => Set(tpm, TpmPermanentFlag.Deactivated, true)),
        ["SetCapability readPubek"] = new(Success, Disabled, Deactivated, tpm => Set(tpm, TpmPermanentFlag.ReadPubek, true, tpm.AsOwner())),
        ["SetCapability disableOwnerClear"] = new(Success, Disabled, Deactivated, tpm =>
            Set(tpm, TpmPermanentFlag.DisableOwnerClear, true, tpm.AsOwner())),
        ["SetCapability allowMaintenance"] = new(Success, Disabled, Deactivated, tpm =>
            Set(tpm, TpmPermanentFlag.AllowMaintenance, false, tpm.AsOwner())),
        ["SetCapability readSRKPub"] = new(Success, Disabled, Deactivated, tpm => Set(tpm, TpmPermanentFlag.ReadSrkPub, true, tpm.AsOwner())),
        ["SetCapability tpmEstablished"] = new(Success, Success, Success, tpm => Set(tpm, TpmPermanentFlag.TpmEstablished, false)),
        ["SetCapability disableFullDALogicInfo"] = new(Success, Success, Success, tpm =>
            Set(tpm, TpmPermanentFlag.DisableFullDALogicInfo, true, tpm.AsOwner())),
        ["SetCapability restrictDelegate"] = new(Success, Disabled, Deactivated, tpm =>
            tpm.SetCapability(TpmSetCapability.PermData, (uint)TpmPermanentDataMember.RestrictDelegate, [0, 0, 0, 1], tpm.AsOwner())),
        ["SetCapability daaProof"] = new(Success, Success, Success, tpm =>
            tpm.SetCapability(TpmSetCapability.PermData, (uint)TpmPermanentDataMember.DaaProof, [], tpm.AsOwner())),
        ["SetCapability disableForceClear"] = new(Success, Disabled, Deactivated, tpm =>
            tpm.SetCapability(TpmSetCapability.StClearFlags, (uint)TpmStClearFlag.DisableForceClear, [1])),
        ["SetCapability deferredPhysicalPresence"] = new(Success, Success, Success, tpm =>
            tpm.SetCapability(TpmSetCapability.StClearData, (uint)TpmStClearDataMember.DeferredPhysicalPresence, [0, 0, 0, 1])),
        ["SetCapability TOSPresent"] = new(Success, Disabled, Deactivated, tpm =>
            tpm.SetCapability(TpmSetCapability.StAnyFlags, (uint)TpmStAnyFlag.TosPresent, [0])),
    };

    public static TheoryData<string> Names => [.. Uses.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Command_DisabledOrDeactivated_DecidesByWhatItIsAskedFor(string name)
    {
        Use use = Uses[name];
        TestTpm tpm = Owned();
        TpmState state = tpm.State;
        Assert.Equal(use.Enabled, use.Send(tpm));
        tpm.State = state;
        tpm.SetPermanentFlags(flags => flags with { Disable = true });
        Assert.Equal(use.Disabled, use.Send(tpm));
        tpm.State = state with { StClearFlags = state.StClearFlags with { Deactivated = true } };
        Assert.Equal(use.Deactivated, use.Send(tpm));
    }

    private sealed record Use(TpmResult Enabled, TpmResult Disabled, TpmResult Deactivated, Func<TestTpm, TpmResult> Send);

    private static TpmResult Set(TestTpm tpm, TpmPermanentFlag flag, bool value, params TestAuth[] auths) =>
        tpm.SetCapability(TpmSetCapability.PermFlags, (uint)flag, [value ? (byte)1 : (byte)0], auths);

    private static TestTpm Owned()
    {
        var tpm = new TestTpm { Locality = 3 };
        tpm.TakeOwnership();
        tpm.AssertPresence(true);
        tpm.LockNv();
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite, index: OwnersIndex));
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.PPRead | TpmNvPermission.PPWrite, index: PresenceIndex));
        return tpm;
    }
}
