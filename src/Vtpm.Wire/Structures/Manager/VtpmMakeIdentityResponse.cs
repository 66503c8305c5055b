namespace Vtpm.Wire;

/// <summary>TPM_MakeIdentity by the manager (0x02000301; this layout is ours), response.</summary>
public struct VtpmMakeIdentityResponse : IWireStructure<VtpmMakeIdentityResponse>
{
    public TpmKey IdKey;
    public ReadOnlyMemory<byte> IdentityBinding;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmMakeIdentityResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.IdKey);
        wire.Sized32(ref value.IdentityBinding);
    }
}
