namespace Vtpm.Crypto;

/// <summary>Owns a <c>BN_CTX</c>, the scratch numbers of a computation, for the length of a <c>using</c>. Freeing it clears them.</summary>
internal readonly ref struct BigNumberScratch
{
    private BigNumberScratch(nint handle) => Handle = handle;

    internal nint Handle { get; }

    internal static BigNumberScratch Create() => new(LibCrypto.Require(LibCrypto.BN_CTX_new(), nameof(LibCrypto.BN_CTX_new)));

    public void Dispose() => LibCrypto.BN_CTX_free(Handle);
}
