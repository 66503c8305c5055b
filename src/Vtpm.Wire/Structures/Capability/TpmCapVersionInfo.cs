namespace Vtpm.Wire;

/// <summary><c>TPM_CAP_VERSION_INFO</c>, Part 2 §21.6: the answer to TPM_CAP_VERSION_VAL.</summary>
public struct TpmCapVersionInfo : IWireStructure<TpmCapVersionInfo>
{
    public TpmVersion Version;

    /// <summary>2 since revision 85.</summary>
    public ushort SpecLevel;

    /// <summary>3 for revision 116.</summary>
    public byte ErrataRev;

    /// <summary>The four bytes of the vendor, the first in the high byte; the same as TPM_CAP_PROP_MANUFACTURER.</summary>
    public uint TpmVendorId;
    public ReadOnlyMemory<byte> VendorSpecific;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCapVersionInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.CapVersionInfo);
        wire.Structure(ref value.Version);
        wire.UInt16(ref value.SpecLevel);
        wire.UInt8(ref value.ErrataRev);
        wire.UInt32(ref value.TpmVendorId);
        wire.Sized16(ref value.VendorSpecific);
    }
}
