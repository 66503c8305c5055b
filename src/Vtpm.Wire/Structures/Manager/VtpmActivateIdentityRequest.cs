namespace Vtpm.Wire;

/// <summary>TPM_ActivateIdentity by the manager (0x02000302; this layout is ours), request: answered with a TPM_SYMMETRIC_KEY.</summary>
public struct VtpmActivateIdentityRequest : IWireStructure<VtpmActivateIdentityRequest>
{
    public TpmKey IdKey;
    public TpmAuthData IdentityAuth;

    /// <summary>What the privacy CA encrypted to the hardware TPM.</summary>
    public ReadOnlyMemory<byte> Blob;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmActivateIdentityRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.IdKey);
        wire.Structure(ref value.IdentityAuth);
        wire.Sized32(ref value.Blob);
    }
}
