namespace Vtpm.Wire;

/// <summary><c>TPM_EK_BLOB</c>, Part 2 §12.1: what is encrypted to an endorsement key, by its type.</summary>
public struct TpmEKBlob : IWireStructure<TpmEKBlob>
{
    public TpmEKType EKType;

    /// <summary>A TPM_EK_BLOB_ACTIVATE or a TPM_EK_BLOB_AUTH.</summary>
    public ReadOnlyMemory<byte> Blob;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmEKBlob value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.EKBlob);
        wire.Enum(ref value.EKType);
        wire.Sized32(ref value.Blob);
    }
}
