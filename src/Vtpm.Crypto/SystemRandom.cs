using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Engine;

namespace Vtpm.Crypto;

/// <summary>
/// Random bytes from the kernel, each combined by exclusive or with a second stream that <see cref="Stir"/> feeds (say with the hardware TPM's
/// random numbers). Either source alone suffices: the other can only add to it. Any number of threads may use one.
/// </summary>
/// <remarks>
/// The kernel's bytes are fetched when they are wanted and never kept. A stock of them in our memory would be copied by a fork or by a snapshot of the
/// virtual machine we run in, and both copies would hand out the same nonces; the kernel, told of such a copy by the hypervisor, starts afresh.
/// The second stream may be copied, since what it is combined with is not. It is HKDF with SHA-512: stirring extracts a new key from the old
/// and the entropy; filling the pool expands the key into the pool's bytes and its own successor, so that nothing handed out can be computed again.
/// </remarks>
public sealed class SystemRandom : ITpmRandom, IDisposable
{
    private const int KeySize = SHA512.HashSizeInBytes;

    // Eight blocks of SHA-512 with the key: about twenty nonces for each expansion.
    private const int PoolSize = 7 * SHA512.HashSizeInBytes;

    private readonly Lock _lock = new();

    // The key, then the pool. Pinned, so that the collector leaves no copies behind.
    private readonly byte[] _state = GC.AllocateArray<byte>(KeySize + PoolSize, pinned: true);
    private int _used = PoolSize;

    public SystemRandom() => FillFromKernel(Key);

    private Span<byte> Key => _state.AsSpan(0, KeySize);

    private Span<byte> Pool => _state.AsSpan(KeySize);

    public void Fill(Span<byte> destination)
    {
        FillFromKernel(destination);
        lock (_lock)
        {
            while (!destination.IsEmpty)
            {
                if (_used == PoolSize) Refill();
                int count = Math.Min(destination.Length, PoolSize - _used);
                Combine(destination[..count], Pool.Slice(_used, count));
                destination = destination[count..];
                _used += count;
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>The bytes also reach libcrypto's own generator, from which generated keys come.</remarks>
    public void Stir(ReadOnlySpan<byte> entropy)
    {
        lock (_lock)
        {
            HKDF.Extract(HashAlgorithmName.SHA512, ikm: entropy, salt: Key, prk: Key);
            CryptographicOperations.ZeroMemory(Pool);
            _used = PoolSize;
        }

        // Zero: nothing is known of how much entropy a caller's bytes have, so none is relied on.
        LibCrypto.RAND_add(entropy, entropy.Length, 0);
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

    /// <summary>Takes bytes out of the pool: they stay nowhere but in what is handed out.</summary>
    private static void Combine(Span<byte> destination, Span<byte> pool)
    {
        for (int i = 0; i < destination.Length; i++) destination[i] ^= pool[i];
        CryptographicOperations.ZeroMemory(pool);
    }

    private static void FillFromKernel(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            nint count = LibC.getrandom(destination, (nuint)destination.Length, 0);
            if (count > 0)
                destination = destination[(int)count..];
            else if (Marshal.GetLastPInvokeError() != LibC.Interrupted)
                throw new CryptoException($"getrandom failed with errno {Marshal.GetLastPInvokeError()}. Linux 3.17 or newer is needed, and a system call filter must allow it.");
        }
    }
}
