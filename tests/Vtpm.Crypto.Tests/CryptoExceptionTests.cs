namespace Vtpm.Crypto.Tests;

public sealed class CryptoExceptionTests
{
    [Fact]
    public void FromLibCrypto_QueuedError_GivesItsReasonAndEmptiesTheQueue()
    {
        TestKey key = TestKey.Of(512);
        using SafeRsaHandle rsa = RsaNumbers.Factor(key.Modulus, key.Exponent, key.Prime)!;
        Assert.Equal(-1, LibCrypto.RSA_private_decrypt(key.Size, key.Modulus, new byte[key.Size], rsa, LibCrypto.RsaNoPadding));

        CryptoException exception = CryptoException.FromLibCrypto("RSA_private_decrypt");
        Assert.StartsWith("libcrypto: RSA_private_decrypt failed: error:", exception.Message, StringComparison.Ordinal);
        Assert.Contains("data too large for modulus", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0ul, LibCrypto.ERR_get_error());
    }

    [Fact]
    public void FromLibCrypto_EmptyQueue_SaysSo()
    {
        LibCrypto.ERR_clear_error();
        Assert.Equal("libcrypto: BN_new failed without a reason.", CryptoException.FromLibCrypto("BN_new").Message);
    }

    [Fact]
    public void Require_NullFromLibCrypto_Throws() => Assert.Throws<CryptoException>(() => LibCrypto.Require(0, "BN_new"));
}
