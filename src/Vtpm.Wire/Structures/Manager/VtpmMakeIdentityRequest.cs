namespace Vtpm.Wire;

/// <summary>TPM_MakeIdentity by the manager (0x02000301; this layout is ours), request.</summary>
public struct VtpmMakeIdentityRequest : IWireStructure<VtpmMakeIdentityRequest>
{
    /// <summary>The new key's secret, in clear: the link is trusted. GROUP_RECOVER1 wants zeroes.</summary>
    public TpmAuthData IdentityAuth;

    /// <summary>The TPM_CHOSENID_HASH of the privacy CA.</summary>
    public TpmDigest LabelDigest;
    public TpmKey IdKeyParams;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmMakeIdentityRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.IdentityAuth);
        wire.Structure(ref value.LabelDigest);
        wire.Structure(ref value.IdKeyParams);
    }
}
