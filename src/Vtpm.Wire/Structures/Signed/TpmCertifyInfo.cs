namespace Vtpm.Wire;

/// <summary><c>TPM_CERTIFY_INFO</c>, Part 2 §11.1: what TPM_CertifyKey signs.</summary>
public struct TpmCertifyInfo : IWireStructure<TpmCertifyInfo>
{
    public TpmKeyUsage KeyUsage;
    public TpmKeyFlags KeyFlags;
    public TpmAuthDataUsage AuthDataUsage;
    public TpmKeyParms AlgorithmParms;
    public TpmDigest PubKeyDigest;
    public TpmNonce Data;
    public bool ParentPcrStatus;

    /// <summary>Empty or a TPM_PCR_INFO.</summary>
    public ReadOnlyMemory<byte> PcrInfo;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCertifyInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Version11();
        DescribeFields(ref wire, ref value);
    }

    /// <summary>All behind the version.</summary>
    public static void DescribeFields<TCodec>(ref TCodec wire, ref TpmCertifyInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.KeyUsage);
        wire.Enum(ref value.KeyFlags);
        wire.Enum(ref value.AuthDataUsage);
        wire.Structure(ref value.AlgorithmParms);
        wire.Structure(ref value.PubKeyDigest);
        wire.Structure(ref value.Data);
        wire.Bool(ref value.ParentPcrStatus);
        wire.Sized32(ref value.PcrInfo);
    }
}
