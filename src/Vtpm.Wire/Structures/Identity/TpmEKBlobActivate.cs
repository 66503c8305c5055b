namespace Vtpm.Wire;

/// <summary><c>TPM_EK_BLOB_ACTIVATE</c>, Part 2 §12.2: the session key of an identity credential, bound to PCRs and localities.</summary>
public struct TpmEKBlobActivate : IWireStructure<TpmEKBlobActivate>
{
    public TpmSymmetricKey SessionKey;

    /// <summary>The digest of the identity's TPM_PUBKEY.</summary>
    public TpmDigest IdDigest;
    public TpmPcrInfoShort PcrInfo;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmEKBlobActivate value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.EKBlobActivate);
        wire.Structure(ref value.SessionKey);
        wire.Structure(ref value.IdDigest);
        wire.Structure(ref value.PcrInfo);
    }
}
