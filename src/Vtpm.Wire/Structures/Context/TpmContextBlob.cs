namespace Vtpm.Wire;

/// <summary><c>TPM_CONTEXT_BLOB</c>, Part 2 §18.1: a key or session saved outside the TPM.</summary>
public struct TpmContextBlob : IWireStructure<TpmContextBlob>
{
    public TpmResourceType ResourceType;
    public uint Handle;

    /// <summary>16 bytes of the caller's choice.</summary>
    public ReadOnlyMemory<byte> Label;
    public uint ContextCount;

    /// <summary>HMAC under tpmProof of the blob, this field being zero.</summary>
    public TpmDigest IntegrityDigest;
    public ReadOnlyMemory<byte> AdditionalData;

    /// <summary>The encrypted TPM_CONTEXT_SENSITIVE.</summary>
    public ReadOnlyMemory<byte> SensitiveData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmContextBlob value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.ContextBlob);
        wire.Enum(ref value.ResourceType);
        wire.UInt32(ref value.Handle);
        wire.Exact(ref value.Label, 16);
        wire.UInt32(ref value.ContextCount);
        wire.Structure(ref value.IntegrityDigest);
        wire.Sized32(ref value.AdditionalData);
        wire.Sized32(ref value.SensitiveData);
    }
}
