namespace Vtpm.Wire;

/// <summary><c>TPM_DA_INFO</c>, Part 2 §21.7: the state of the dictionary attack mitigation.</summary>
public struct TpmDaInfo : IWireStructure<TpmDaInfo>
{
    public TpmDaState State;
    public ushort CurrentCount;
    public ushort ThresholdCount;
    public TpmDaActionType ActionAtThreshold;

    /// <summary>For TPM_DA_ACTION_TIMEOUT: seconds that are left.</summary>
    public uint ActionDependValue;
    public ReadOnlyMemory<byte> VendorData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaInfo);
        wire.Enum(ref value.State);
        wire.UInt16(ref value.CurrentCount);
        wire.UInt16(ref value.ThresholdCount);
        wire.Structure(ref value.ActionAtThreshold);
        wire.UInt32(ref value.ActionDependValue);
        wire.Sized32(ref value.VendorData);
    }
}
