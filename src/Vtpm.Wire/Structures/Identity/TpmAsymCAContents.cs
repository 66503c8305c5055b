namespace Vtpm.Wire;

/// <summary><c>TPM_ASYM_CA_CONTENTS</c>, Part 2 §12.8: the session key of an identity credential, without conditions.</summary>
public struct TpmAsymCAContents : IWireStructure<TpmAsymCAContents>
{
    public TpmSymmetricKey SessionKey;

    /// <summary>The digest of the identity's TPM_PUBKEY.</summary>
    public TpmDigest IdDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmAsymCAContents value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.SessionKey);
        wire.Structure(ref value.IdDigest);
    }
}
