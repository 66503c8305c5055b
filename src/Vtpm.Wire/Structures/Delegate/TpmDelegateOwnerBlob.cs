namespace Vtpm.Wire;

/// <summary><c>TPM_DELEGATE_OWNER_BLOB</c>, Part 2 §20.12: an owner delegation outside the TPM.</summary>
public struct TpmDelegateOwnerBlob : IWireStructure<TpmDelegateOwnerBlob>
{
    public TpmDelegatePublic Pub;
    public TpmDigest IntegrityDigest;
    public ReadOnlyMemory<byte> AdditionalArea;

    /// <summary>The encrypted TPM_DELEGATE_SENSITIVE.</summary>
    public ReadOnlyMemory<byte> SensitiveArea;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDelegateOwnerBlob value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DelegateOwnerBlob);
        wire.Structure(ref value.Pub);
        wire.Structure(ref value.IntegrityDigest);
        wire.Sized32(ref value.AdditionalArea);
        wire.Sized32(ref value.SensitiveArea);
    }
}
