using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

public sealed class CipherTests
{
    private static readonly byte[] Rfc4493Key = Convert.FromHexString("2b7e151628aed2a6abf7158809cf4f3c");

    private static readonly byte[] Rfc4493Message = Convert.FromHexString(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");

    [Theory]
    [InlineData(0, "bb1d6929e95937287fa37d129b756746")]
    [InlineData(16, "070a16b46b4d4144f79bdd9dd04a287c")]
    [InlineData(40, "dfa66747de9ae63030ca32611497c827")]
    [InlineData(64, "51f0bebf7e3b9d92fc49741779363cfe")]
    public void AesCmac_Rfc4493Example_GivesItsMac(int length, string expected)
    {
        var mac = new byte[16];
        using Aes aes = Key(Rfc4493Key);
        AesCmac.Compute(aes, Rfc4493Message.AsSpan(0, length), mac);
        Assert.Equal(expected, Convert.ToHexStringLower(mac));
        Assert.True(AesCmac.Verify(aes, Rfc4493Message.AsSpan(0, length), mac));
        mac[15] ^= 1;
        Assert.False(AesCmac.Verify(aes, Rfc4493Message.AsSpan(0, length), mac));
    }

    [Fact]
    public void AesCmac_AnyLength_AgreesWithAnotherLibrary()
    {
        byte[] message = RandomNumberGenerator.GetBytes(9000);
        using Aes aes = Key(Rfc4493Key);
        foreach (int length in Enumerable.Range(0, 70).Concat([4064, 4095, 4096, 4097, 4112, 4113, 8192, 8193, 9000]))
        {
            var mac = new byte[16];
            AesCmac.Compute(aes, message.AsSpan(0, length), mac);
            Assert.Equal(ReferenceCrypto.Cmac(Rfc4493Key, message.AsSpan(0, length)), mac);
        }
    }

    [Theory]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("0011223344556677feffffffffffffff")]
    [InlineData("ffffffffffffffffffffffffffffffff")]
    [InlineData("ffffffffffffffff00ffffffffffff00")]
    public void HostOrderCtr_AnyCounter_CountsItsSecondHalfAsAnX86Word(string counter)
    {
        byte[] block = Convert.FromHexString(counter);
        byte[] data = RandomNumberGenerator.GetBytes(5000);
        var actual = (byte[])data.Clone();
        using Aes aes = Key(Rfc4493Key);
        HostOrderCtr.Transform(aes, block, actual);
        Assert.Equal(ReferenceCrypto.Ctr(Rfc4493Key, block, data), actual);
        HostOrderCtr.Transform(aes, block, actual);
        Assert.Equal(data, actual);
    }

    private static Aes Key(byte[] key)
    {
        var aes = Aes.Create();
        aes.SetKey(key);
        return aes;
    }
}
