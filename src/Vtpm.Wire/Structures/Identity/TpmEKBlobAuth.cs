namespace Vtpm.Wire;

/// <summary><c>TPM_EK_BLOB_AUTH</c>, Part 2 §12.3: an authorization value sent to an endorsement key.</summary>
public struct TpmEKBlobAuth : IWireStructure<TpmEKBlobAuth>
{
    public TpmAuthData AuthValue;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmEKBlobAuth value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.EKBlobAuth);
        wire.Structure(ref value.AuthValue);
    }
}
