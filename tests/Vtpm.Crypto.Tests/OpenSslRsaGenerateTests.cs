using Vtpm.Engine;

namespace Vtpm.Crypto.Tests;

public sealed class OpenSslRsaGenerateTests
{
    private readonly OpenSslRsa _rsa = new();

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    public void Generate_ReadyKey_InvertsThePublicOperation(int bits)
    {
        TpmRsaKeyPair pair = _rsa.Generate(bits);
        using Secret prime = pair.Prime;
        byte[] input = new byte[bits / 8], encrypted = new byte[bits / 8], decrypted = new byte[bits / 8];
        input[1] = 0x5A;
        Assert.True(_rsa.PublicOperation(pair.Modulus.Span, 65537, input, encrypted));
        Assert.True(pair.Key.PrivateOperation(encrypted, decrypted));
        Assert.Equal(input, decrypted);
    }

    [Theory]
    [InlineData(int.MinValue)]
    [InlineData(0)]
    [InlineData(496)]
    [InlineData(511)]
    [InlineData(520)]
    [InlineData(1025)]
    [InlineData(2064)]
    [InlineData(4096)]
    [InlineData(int.MaxValue)]
    public void Generate_SizeOutOfRange_Throws(int bits) => Assert.Throws<ArgumentOutOfRangeException>(() => _rsa.Generate(bits));
}
