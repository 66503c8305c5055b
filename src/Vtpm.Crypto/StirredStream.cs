using System.Security.Cryptography;

namespace Vtpm.Crypto;

/// <summary>
/// A stream of bytes computed from a key, which entropy can be stirred into: HKDF with SHA-512. Stirring extracts a new key from the old one and the
/// entropy. Filling the pool expands the key into its own successor and the pool's bytes, so that what was handed out cannot be computed again.
/// </summary>
internal sealed class StirredStream : IDisposable
{
    internal const int KeySize = SHA512.HashSizeInBytes;

    // Eight blocks of SHA-512 with the key: about twenty nonces for each expansion.
    internal const int PoolSize = 7 * SHA512.HashSizeInBytes;

    // The key, then the pool. Pinned, so that the collector leaves no copies behind.
    private readonly byte[] _state = GC.AllocateArray<byte>(KeySize + PoolSize, pinned: true);
    private int _used = PoolSize;

    internal StirredStream(ReadOnlySpan<byte> key) => key.CopyTo(Key);

    internal ReadOnlySpan<byte> State => _state;

    private Span<byte> Key => _state.AsSpan(0, KeySize);

    private Span<byte> Pool => _state.AsSpan(KeySize);

    /// <summary>Combines the stream's next bytes into the destination by exclusive or.</summary>
    internal void CombineInto(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            if (_used == PoolSize) Refill();
            int count = Math.Min(destination.Length, PoolSize - _used);
            TakeOut(Pool.Slice(_used, count), destination);
            destination = destination[count..];
            _used += count;
        }
    }

    internal void Stir(ReadOnlySpan<byte> entropy)
    {
        // This HMAC is HKDF's extraction. The class library's function of that name refuses an empty input.
        HMACSHA512.HashData(Key, entropy, Key);
        CryptographicOperations.ZeroMemory(Pool);
        _used = PoolSize;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_state);

    private void Refill()
    {
        Span<byte> next = stackalloc byte[KeySize + PoolSize];
        HKDF.Expand(HashAlgorithmName.SHA512, prk: Key, output: next, info: "vTPM random"u8);
        next.CopyTo(_state);
        CryptographicOperations.ZeroMemory(next);
        _used = 0;
    }

    private static void TakeOut(Span<byte> pool, Span<byte> destination)
    {
        for (int i = 0; i < pool.Length; i++) destination[i] ^= pool[i];
        CryptographicOperations.ZeroMemory(pool);
    }
}
