namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_KEY</c> and <c>TPM_KEY12</c>, Part 2 §10.2 and §10.3. The two differ in their first four bytes alone (a TPM_STRUCT_VER; or a tag and
/// two fill bytes) and in what <see cref="PcrInfo"/> holds, so that one type carries both.
/// </summary>
public struct TpmKey : IWireStructure<TpmKey>
{
    /// <summary>What a TPM_KEY begins with on output: TPM_STRUCT_VER 1.1.0.0.</summary>
    public const uint Version11 = 0x01010000;

    /// <summary>What a TPM_KEY12 begins with: TPM_TAG_KEY12 and a zero fill.</summary>
    public const uint Tag12 = (uint)TpmStructureTag.Key12 << 16;

    /// <summary>The first four bytes: <see cref="Version11"/> (its last two bytes ignored on input) or <see cref="Tag12"/>.</summary>
    public uint Ver;
    public TpmKeyUsage KeyUsage;
    public TpmKeyFlags KeyFlags;
    public TpmAuthDataUsage AuthDataUsage;
    public TpmKeyParms AlgorithmParms;

    /// <summary>Empty, a TPM_PCR_INFO (TPM_KEY) or a TPM_PCR_INFO_LONG (TPM_KEY12).</summary>
    public ReadOnlyMemory<byte> PcrInfo;
    public TpmStorePubKey PubKey;

    /// <summary>The encrypted TPM_STORE_ASYMKEY or TPM_MIGRATE_ASYMKEY.</summary>
    public ReadOnlyMemory<byte> EncData;

    public readonly bool IsKey12 => Ver == Tag12;

    public readonly TpmPubKey ToPubKey() => new() { AlgorithmParms = AlgorithmParms, PubKey = PubKey };

    public static void Describe<TCodec>(ref TCodec wire, ref TpmKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Ver);
        if (value.Ver >> 16 == Version11 >> 16) value.Ver = Version11;
        else if (value.Ver != Tag12) wire.Fault(TpmResult.BadVersion);
        DescribePublic(ref wire, ref value);
        wire.Sized32(ref value.EncData);
    }

    /// <summary>
    /// TPM_STORE_ASYMKEY.pubDataDigest (Part 2 §10.6): SHA-1 of the key without its encData and encDataSize.
    /// </summary>
    public readonly TpmDigest PubDataDigest() => WireFormat.Digest(new PublicPart { Key = this });

    private static void DescribePublic<TCodec>(ref TCodec wire, ref TpmKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.KeyUsage);
        wire.Enum(ref value.KeyFlags);
        wire.Enum(ref value.AuthDataUsage);
        wire.Structure(ref value.AlgorithmParms);
        wire.Sized32(ref value.PcrInfo);
        wire.Structure(ref value.PubKey);
    }

    private struct PublicPart : IWireStructure<PublicPart>
    {
        public TpmKey Key;

        public static void Describe<TCodec>(ref TCodec wire, ref PublicPart value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            wire.UInt32(ref value.Key.Ver);
            DescribePublic(ref wire, ref value.Key);
        }
    }
}
