namespace Vtpm.Wire;

/// <summary><c>TPM_DA_INFO_LIMITED</c>, Part 2 §21.8: the state of the dictionary attack mitigation without what would help an attacker.</summary>
public struct TpmDaInfoLimited : IWireStructure<TpmDaInfoLimited>
{
    public TpmDaState State;
    public TpmDaActionType ActionAtThreshold;
    public ReadOnlyMemory<byte> VendorData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaInfoLimited value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaInfoLimited);
        wire.Enum(ref value.State);
        wire.Structure(ref value.ActionAtThreshold);
        wire.Sized32(ref value.VendorData);
    }
}
