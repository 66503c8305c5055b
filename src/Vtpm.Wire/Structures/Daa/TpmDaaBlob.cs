namespace Vtpm.Wire;

/// <summary><c>TPM_DAA_BLOB</c>, Part 2 §22.8: DAA data outside the TPM.</summary>
public struct TpmDaaBlob : IWireStructure<TpmDaaBlob>
{
    public TpmResourceType ResourceType;

    /// <summary>16 bytes, free of use.</summary>
    public ReadOnlyMemory<byte> Label;

    /// <summary>HMAC under daaProof of the blob, this field being zero.</summary>
    public TpmDigest BlobIntegrity;
    public ReadOnlyMemory<byte> AdditionalData;

    /// <summary>The encrypted TPM_DAA_SENSITIVE.</summary>
    public ReadOnlyMemory<byte> SensitiveData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaaBlob value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaaBlob);
        wire.Enum(ref value.ResourceType);
        wire.Exact(ref value.Label, 16);
        wire.Structure(ref value.BlobIntegrity);
        wire.Sized32(ref value.AdditionalData);
        wire.Sized32(ref value.SensitiveData);
    }
}
