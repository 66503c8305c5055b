namespace Vtpm.Wire;

/// <summary><c>TPM_CERTIFY_INFO2</c>, Part 2 §11.2: what TPM_CertifyKey2 signs.</summary>
public struct TpmCertifyInfo2 : IWireStructure<TpmCertifyInfo2>
{
    public TpmPayloadType PayloadType;
    public TpmKeyUsage KeyUsage;
    public TpmKeyFlags KeyFlags;
    public TpmAuthDataUsage AuthDataUsage;
    public TpmKeyParms AlgorithmParms;
    public TpmDigest PubKeyDigest;
    public TpmNonce Data;
    public bool ParentPcrStatus;

    /// <summary>Empty or a TPM_PCR_INFO_SHORT.</summary>
    public ReadOnlyMemory<byte> PcrInfo;

    /// <summary>Empty or the digest of a TPM_MSA_COMPOSITE.</summary>
    public ReadOnlyMemory<byte> MigrationAuthority;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCertifyInfo2 value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.CertifyInfo2);
        wire.Constant((byte)0); // fill
        wire.Enum(ref value.PayloadType);
        DescribeFields(ref wire, ref value);
    }

    /// <summary>All behind the tag, the fill byte and the payload type.</summary>
    public static void DescribeFields<TCodec>(ref TCodec wire, ref TpmCertifyInfo2 value)
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
        wire.Sized32(ref value.MigrationAuthority);
    }
}
