namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_PERMANENT_FLAGS</c>, Part 2 §7.1: flags that no TPM_Startup affects, as TPM_CAP_FLAG_PERMANENT answers them; each a BOOL, in the order of
/// TpmPermanentFlag.
/// </summary>
public record struct TpmPermanentFlags : IWireStructure<TpmPermanentFlags>
{
    public bool Disable;
    public bool Ownership;
    public bool Deactivated;
    public bool ReadPubek;
    public bool DisableOwnerClear;
    public bool AllowMaintenance;
    public bool PhysicalPresenceLifetimeLock;
    public bool PhysicalPresenceHwEnable;
    public bool PhysicalPresenceCmdEnable;
    public bool CekpUsed;
    public bool TpmPost;
    public bool TpmPostLock;
    public bool Fips;
    public bool Operator;
    public bool EnableRevokeEK;
    public bool NvLocked;
    public bool ReadSrkPub;
    public bool TpmEstablished;
    public bool MaintenanceDone;
    public bool DisableFullDALogicInfo;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPermanentFlags value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.PermanentFlags);
        wire.Bool(ref value.Disable);
        wire.Bool(ref value.Ownership);
        wire.Bool(ref value.Deactivated);
        wire.Bool(ref value.ReadPubek);
        wire.Bool(ref value.DisableOwnerClear);
        wire.Bool(ref value.AllowMaintenance);
        wire.Bool(ref value.PhysicalPresenceLifetimeLock);
        wire.Bool(ref value.PhysicalPresenceHwEnable);
        wire.Bool(ref value.PhysicalPresenceCmdEnable);
        wire.Bool(ref value.CekpUsed);
        wire.Bool(ref value.TpmPost);
        wire.Bool(ref value.TpmPostLock);
        wire.Bool(ref value.Fips);
        wire.Bool(ref value.Operator);
        wire.Bool(ref value.EnableRevokeEK);
        wire.Bool(ref value.NvLocked);
        wire.Bool(ref value.ReadSrkPub);
        wire.Bool(ref value.TpmEstablished);
        wire.Bool(ref value.MaintenanceDone);
        wire.Bool(ref value.DisableFullDALogicInfo);
    }
}
