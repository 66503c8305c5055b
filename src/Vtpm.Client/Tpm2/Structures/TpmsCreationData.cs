using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary><c>TPMS_CREATION_DATA</c> (TPM 2.0 Part 2 §15.1): the circumstances under which an object was made.</summary>
public struct TpmsCreationData : IWireStructure<TpmsCreationData>
{
    public TpmlPcrSelection PcrSelect;

    /// <summary>Of the selected PCRs, by the object's nameAlg.</summary>
    public ReadOnlyMemory<byte> PcrDigest;

    public byte Locality;
    public TpmAlgId ParentNameAlg;
    public ReadOnlyMemory<byte> ParentName;
    public ReadOnlyMemory<byte> ParentQualifiedName;
    public ReadOnlyMemory<byte> OutsideInfo;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmsCreationData value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PcrSelect);
        wire.Sized16(ref value.PcrDigest);
        wire.UInt8(ref value.Locality);
        wire.Enum(ref value.ParentNameAlg);
        wire.Sized16(ref value.ParentName);
        wire.Sized16(ref value.ParentQualifiedName);
        wire.Sized16(ref value.OutsideInfo);
    }
}
