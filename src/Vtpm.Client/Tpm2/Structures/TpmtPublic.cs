using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// <c>TPMT_PUBLIC</c> (TPM 2.0 Part 2 §12.2.4) of what this client works with: storage keys, RSA or ECC, and sealed data. Any other object does not
/// read.
/// </summary>
public struct TpmtPublic : IWireStructure<TpmtPublic>
{
    public TpmAlgId Type;
    public TpmAlgId NameAlg;
    public TpmaObject ObjectAttributes;
    public ReadOnlyMemory<byte> AuthPolicy;

    /// <summary>Of a storage key.</summary>
    public TpmtSymDef Symmetric;

    /// <summary>Of an RSA key.</summary>
    public ushort KeyBits;

    /// <summary>Of an RSA key: 0 stands for 65537.</summary>
    public uint Exponent;

    /// <summary>Of an ECC key.</summary>
    public TpmEccCurve CurveId;

    /// <summary>The modulus, the point's x, or the digest of what is sealed.</summary>
    public ReadOnlyMemory<byte> Unique;

    /// <summary>The point's y.</summary>
    public ReadOnlyMemory<byte> UniqueY;

    /// <summary>The storage key of the TCG's provisioning guidance on curve P-256.</summary>
    public static TpmtPublic EccStorageKey => StorageKey(TpmAlgId.Ecc) with { CurveId = TpmEccCurve.NistP256, Unique = new byte[32], UniqueY = new byte[32] };

    /// <summary>The storage key of the TCG's provisioning guidance with RSA-2048.</summary>
    public static TpmtPublic RsaStorageKey => StorageKey(TpmAlgId.Rsa) with { KeyBits = 2048, Unique = new byte[256] };

    /// <summary>Data that a policy alone opens, in this TPM alone.</summary>
    public static TpmtPublic SealedData(TpmAlgId nameAlg, ReadOnlyMemory<byte> authPolicy) => new()
    {
        Type = TpmAlgId.KeyedHash,
        NameAlg = nameAlg,
        ObjectAttributes = TpmaObject.FixedTpm | TpmaObject.FixedParent | TpmaObject.AdminWithPolicy | TpmaObject.NoDa,
        AuthPolicy = authPolicy,
    };

    /// <summary>The object's Name (Part 1 §16): its algorithm, and the digest of its public area.</summary>
    /// <exception cref="ArgumentException">The algorithm is no hash function.</exception>
    public readonly byte[] ToName() =>
        [(byte)((int)NameAlg >> 8), (byte)NameAlg, .. CryptographicOperations.HashData(NameAlg.Name(), WireFormat.ToBytes(this))];

    public static void Describe<TCodec>(ref TCodec wire, ref TpmtPublic value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Type);
        wire.Enum(ref value.NameAlg);
        wire.Enum(ref value.ObjectAttributes);
        wire.Sized16(ref value.AuthPolicy);
        switch (value.Type)
        {
            case TpmAlgId.KeyedHash:
                NoScheme(ref wire);
                break;
            case TpmAlgId.Rsa:
                wire.Structure(ref value.Symmetric);
                NoScheme(ref wire);
                wire.UInt16(ref value.KeyBits);
                wire.UInt32(ref value.Exponent);
                break;
            case TpmAlgId.Ecc:
                wire.Structure(ref value.Symmetric);
                NoScheme(ref wire);
                wire.Enum(ref value.CurveId);
                NoScheme(ref wire);   // of key derivation
                break;
            default:
                wire.Fault(TpmResult.BadType);
                break;
        }

        wire.Sized16(ref value.Unique);
        if (value.Type == TpmAlgId.Ecc) wire.Sized16(ref value.UniqueY);
    }

    private static TpmtPublic StorageKey(TpmAlgId type) => new()
    {
        Type = type,
        NameAlg = TpmAlgId.Sha256,
        ObjectAttributes = TpmaObject.FixedTpm | TpmaObject.FixedParent | TpmaObject.SensitiveDataOrigin | TpmaObject.UserWithAuth
            | TpmaObject.NoDa | TpmaObject.Restricted | TpmaObject.Decrypt,
        Symmetric = TpmtSymDef.Aes128Cfb,
    };

    private static void NoScheme<TCodec>(ref TCodec wire)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmAlgId scheme = TpmAlgId.Null;
        wire.Enum(ref scheme);
        if (scheme != TpmAlgId.Null) wire.Fault(TpmResult.BadScheme);
    }
}
