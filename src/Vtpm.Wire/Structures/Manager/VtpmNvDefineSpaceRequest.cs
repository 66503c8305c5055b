namespace Vtpm.Wire;

/// <summary>TPM_NV_DefineSpace by the manager (0x02000304; this layout is ours), request.</summary>
public struct VtpmNvDefineSpaceRequest : IWireStructure<VtpmNvDefineSpaceRequest>
{
    public TpmNvDataPublic PubInfo;

    /// <summary>The area's secret, in clear: the link is trusted.</summary>
    public TpmAuthData AreaAuth;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmNvDefineSpaceRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PubInfo);
        wire.Structure(ref value.AreaAuth);
    }
}
