namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_NEW</c>, request.</summary>
public struct VtpmGroupNewRequest : IWireStructure<VtpmGroupNewRequest>
{
    /// <summary>The TPM_CHOSENID_HASH of the privacy CA.</summary>
    public TpmDigest LabelDigest;

    /// <summary>256 bytes: the RSA modulus of the group's authority.</summary>
    public ReadOnlyMemory<byte> SaaModulus;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupNewRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.LabelDigest);
        wire.Exact(ref value.SaaModulus, 256);
    }
}
