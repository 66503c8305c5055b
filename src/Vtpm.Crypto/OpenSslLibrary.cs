namespace Vtpm.Crypto;

/// <summary>libcrypto as a whole.</summary>
public static class OpenSslLibrary
{
    private const ulong NoLoadConfig = 0x80;
    private const ulong NoAtExit = 0x80000;

    /// <summary>
    /// Starts libcrypto without the host's configuration. A process calls this first, before anything else in it hashes or encrypts: what has been
    /// configured by then stays so. Calling it again does nothing.
    /// </summary>
    /// <remarks>
    /// A host's policy may forbid SHA-1, short keys or everything that is not FIPS's. It speaks about what the host protects with cryptography; a TPM 1.2
    /// owes its guest the algorithms of its specification, and would otherwise work on one host and fail on the next.
    /// Nor does libcrypto tear itself down when the process ends, while other threads may still be computing.
    /// </remarks>
    public static void Initialize() => LibCrypto.Require(LibCrypto.OPENSSL_init_crypto(NoLoadConfig | NoAtExit, 0) == 1, nameof(LibCrypto.OPENSSL_init_crypto));
}
