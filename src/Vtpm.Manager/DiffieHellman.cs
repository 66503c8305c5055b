using System.Security.Cryptography;
using Vtpm.Client;

namespace Vtpm.Manager;

/// <summary>
/// One side of a Diffie-Hellman exchange in the 2048-bit MODP group of RFC 3526 (group 14), generator 2, as GROUP_REGISTER and GROUP_RECOVER use it.
/// The exponent is in pinned memory until it is disposed of.
/// </summary>
internal sealed class DiffieHellman : IDisposable
{
    public const int Size = 256;

    // 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 * pi] + 124476)
    private static readonly byte[] Prime = Convert.FromHexString(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
        + "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
        + "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
        + "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF");

    private readonly byte[] _exponent = GC.AllocateArray<byte>(Size, pinned: true);
    private readonly byte[] _public = new byte[Size];

    public DiffieHellman()
    {
        RandomNumberGenerator.Fill(_exponent);
        Compute();
    }

    /// <summary>A side that was kept in a file between two steps.</summary>
    /// <param name="exponent">256 bytes.</param>
    public DiffieHellman(ReadOnlySpan<byte> exponent)
    {
        exponent.CopyTo(_exponent);
        Compute();
    }

    /// <summary>What the peer needs.</summary>
    public ReadOnlyMemory<byte> Public => _public;

    /// <summary>What nobody else may know.</summary>
    public ReadOnlyMemory<byte> Exponent => _exponent;

    /// <summary>Whether a peer's value leads to a secret: 0, 1 and -1 lead to one that everybody knows.</summary>
    public static bool IsPublic(ReadOnlySpan<byte> value)
    {
        if (value.Length != Size || value.SequenceCompareTo(Prime) >= 0) return false;
        ReadOnlySpan<byte> significant = value.TrimStart((byte)0);
        bool isMinusOne = value[..^1].SequenceEqual(Prime.AsSpan(0, Size - 1)) && value[^1] == Prime[^1] - 1;
        return significant is not [] and not [1] && !isMinusOne;
    }

    /// <summary>
    /// Lays the agreed key, SHA-256 of the shared secret, over a group's two keys: both ways, since it is an XOR.
    /// </summary>
    /// <param name="peer">The peer's value, which <see cref="IsPublic"/>.</param>
    /// <param name="keys">32 bytes: group_key and rollback_mac_key, or what masks them.</param>
    public void Mask(ReadOnlySpan<byte> peer, Span<byte> keys)
    {
        Span<byte> shared = stackalloc byte[Size];
        Span<byte> key = stackalloc byte[SHA256.HashSizeInBytes];
        ModularPower.Compute(peer, _exponent, Prime, shared);
        SHA256.HashData(shared, key);
        for (int i = 0; i < key.Length; i++) keys[i] ^= key[i];
        CryptographicOperations.ZeroMemory(shared);
        CryptographicOperations.ZeroMemory(key);
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_exponent);

    private void Compute()
    {
        Span<byte> generator = stackalloc byte[Size];
        generator.Clear();
        generator[^1] = 2;
        ModularPower.Compute(generator, _exponent, Prime, _public);
    }
}
