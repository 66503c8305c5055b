namespace Vtpm.Wire;

/// <summary><c>TPM_DELEGATE_KEY_BLOB</c>, Part 2 §20.13: a key delegation outside the TPM.</summary>
public struct TpmDelegateKeyBlob : IWireStructure<TpmDelegateKeyBlob>
{
    public TpmDelegatePublic Pub;
    public TpmDigest IntegrityDigest;

    /// <summary>SHA-1 of the key's TPM_STORE_PUBKEY.</summary>
    public TpmDigest PubKeyDigest;
    public ReadOnlyMemory<byte> AdditionalArea;

    /// <summary>The encrypted TPM_DELEGATE_SENSITIVE.</summary>
    public ReadOnlyMemory<byte> SensitiveArea;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDelegateKeyBlob value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DelegKeyBlob);
        wire.Structure(ref value.Pub);
        wire.Structure(ref value.IntegrityDigest);
        wire.Structure(ref value.PubKeyDigest);
        wire.Sized32(ref value.AdditionalArea);
        wire.Sized32(ref value.SensitiveArea);
    }
}
