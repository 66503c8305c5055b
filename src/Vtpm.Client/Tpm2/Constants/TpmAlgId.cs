using System.Security.Cryptography;

namespace Vtpm.Client;

/// <summary><c>TPM_ALG_ID</c> (TPM 2.0 Part 2 §6.3), as far as storage keys and sealed data have them.</summary>
public enum TpmAlgId : ushort
{
    Rsa = 0x0001,
    Sha1 = 0x0004,
    Aes = 0x0006,
    KeyedHash = 0x0008,
    Sha256 = 0x000B,
    Sha384 = 0x000C,
    Sha512 = 0x000D,
    Null = 0x0010,
    Ecc = 0x0023,
    Cfb = 0x0043,
}

/// <summary>The algorithms that are hash functions.</summary>
internal static class TpmHash
{
    public const int MaxSize = 64;

    /// <summary>The length of a digest; 0 for what is no hash function, or none that this client knows.</summary>
    public static int Size(this TpmAlgId hash) => hash switch
    {
        TpmAlgId.Sha1 => SHA1.HashSizeInBytes,
        TpmAlgId.Sha256 => SHA256.HashSizeInBytes,
        TpmAlgId.Sha384 => SHA384.HashSizeInBytes,
        TpmAlgId.Sha512 => SHA512.HashSizeInBytes,
        _ => 0,
    };

    public static HashAlgorithmName Name(this TpmAlgId hash) => hash switch
    {
        TpmAlgId.Sha1 => HashAlgorithmName.SHA1,
        TpmAlgId.Sha256 => HashAlgorithmName.SHA256,
        TpmAlgId.Sha384 => HashAlgorithmName.SHA384,
        TpmAlgId.Sha512 => HashAlgorithmName.SHA512,
        _ => throw new ArgumentException("not a hash function", nameof(hash)),
    };
}
