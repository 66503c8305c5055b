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
/// The second stream may be copied, since what it is combined with is not.
/// </remarks>
public sealed class SystemRandom : ITpmRandom, IDisposable
{
    private readonly Lock _lock = new();
    private readonly StirredStream _stream;

    public SystemRandom()
    {
        OpenSslLibrary.Initialize();
        Span<byte> key = stackalloc byte[StirredStream.KeySize];
        FillFromKernel(key);
        _stream = new StirredStream(key);
        CryptographicOperations.ZeroMemory(key);
    }

    public void Fill(Span<byte> destination)
    {
        FillFromKernel(destination);
        lock (_lock) _stream.CombineInto(destination);
    }

    /// <inheritdoc/>
    /// <remarks>The bytes also reach libcrypto's own generator, from which generated keys come.</remarks>
    public void Stir(ReadOnlySpan<byte> entropy)
    {
        lock (_lock) _stream.Stir(entropy);

        // Zero: nothing is known of how much entropy a caller's bytes have, so none is relied on.
        LibCrypto.RAND_add(entropy, entropy.Length, 0);
    }

    public void Dispose() => _stream.Dispose();

    private static void FillFromKernel(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            nint count = LibC.getrandom(destination, (nuint)destination.Length, 0);
            if (count > 0)
                destination = destination[(int)count..];
            else if (Marshal.GetLastPInvokeError() != LibC.Interrupted)
                throw new CryptoException($"getrandom failed with errno {Marshal.GetLastPInvokeError()}: any system call filter must allow it.");
        }
    }
}
