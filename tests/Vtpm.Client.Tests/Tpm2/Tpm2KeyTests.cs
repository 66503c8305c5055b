using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Agreement.Kdf;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests.Tpm2;

/// <summary>Key derivation and salts of TPM 2.0, against the base library and BouncyCastle.</summary>
public sealed class Tpm2KeyTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, 40).Select(i => (byte)i)];
    private static readonly byte[] U = [.. Enumerable.Range(50, 32).Select(i => (byte)i)];
    private static readonly byte[] V = [.. Enumerable.Range(90, 16).Select(i => (byte)i)];

    [Theory]
    [InlineData(TpmAlgId.Sha1, 20)]
    [InlineData(TpmAlgId.Sha1, 32)]
    [InlineData(TpmAlgId.Sha256, 32)]
    [InlineData(TpmAlgId.Sha256, 33)]
    [InlineData(TpmAlgId.Sha512, 100)]
    internal void KdfA_IsSp800108InCounterMode(TpmAlgId hash, int length)
    {
        byte[] derived = new byte[length];
        Tpm2Kdf.A(hash, Key, "ATH"u8, U, V, derived);
        Assert.Equal(SP800108HmacCounterKdf.DeriveBytes(Key.AsSpan(), hash.Name(), "ATH"u8, (byte[])[.. U, .. V], length), derived);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(50)]
    public void KdfE_IsTheConcatenationKdf(int length)
    {
        byte[] derived = new byte[length];
        Tpm2Kdf.E(TpmAlgId.Sha256, Key, "SECRET"u8, U, V, derived);
        var kdf = new ConcatenationKdfGenerator(new Sha256Digest());
        kdf.Init(new Org.BouncyCastle.Crypto.Parameters.KdfParameters(Key, [.. "SECRET\0"u8, .. U, .. V]));
        byte[] expected = new byte[length];
        kdf.GenerateBytes(expected, 0, length);
        Assert.Equal(expected, derived);
    }

    [Fact]
    public void Salt_ForAnRsaKey_IsOaepWithTheKeysHashAndLabel()
    {
        using RSA rsa = RSA.Create(2048);
        RSAParameters parameters = rsa.ExportParameters(true);
        byte[] encrypted = Tpm2Salt.Create(TpmtPublic.RsaStorageKey with { Unique = parameters.Modulus }, out byte[] salt);
        var oaep = new OaepEncoding(new RsaEngine(), new Sha256Digest(), new Sha256Digest(), "SECRET\0"u8.ToArray());
        oaep.Init(false, new RsaKeyParameters(true, new(1, parameters.Modulus), new(1, parameters.D)));
        Assert.Equal(32, salt.Length);
        Assert.Equal(salt, oaep.ProcessBlock(encrypted, 0, encrypted.Length));
    }

    [Theory]
    [InlineData("nistP256", TpmEccCurve.NistP256, 32)]
    [InlineData("nistP384", TpmEccCurve.NistP384, 48)]
    [InlineData("nistP521", TpmEccCurve.NistP521, 66)]
    public void Salt_ForAnEccKey_IsWhatBothSidesComeTo(string name, TpmEccCurve curveId, int size)
    {
        ECCurve curve = ECCurve.CreateFromFriendlyName(name);
        using ECDiffieHellman theirs = ECDiffieHellman.Create(curve);
        ECPoint point = theirs.ExportParameters(false).Q;
        // A TPM may leave zeroes at the beginning off.
        byte[] encrypted = Tpm2Salt.Create(
            TpmtPublic.EccStorageKey with { CurveId = curveId, Unique = point.X!.SkipWhile(b => b == 0).ToArray(), UniqueY = point.Y }, out byte[] salt);
        Assert.Equal(2 * (2 + size), encrypted.Length);
        var ephemeral = new ECParameters { Curve = curve, Q = new ECPoint { X = encrypted[2..(2 + size)], Y = encrypted[(4 + size)..] } };
        using ECDiffieHellman ours = ECDiffieHellman.Create(ephemeral);
        byte[] expected = new byte[32];
        Tpm2Kdf.E(TpmAlgId.Sha256, theirs.DeriveRawSecretAgreement(ours.PublicKey), "SECRET"u8, ephemeral.Q.X, point.X, expected);
        Assert.Equal(expected, salt);
    }

    [Fact]
    public void Salt_ForWhatIsNoKey_IsRefused()
    {
        TpmtPublic ecc = TpmtPublic.EccStorageKey;
        Assert.ThrowsAny<CryptographicException>(() => Tpm2Salt.Create(ecc with { Unique = Key.AsMemory(0, 32), UniqueY = U }, out _));
        Assert.ThrowsAny<Exception>(() => Tpm2Salt.Create(ecc, out _));
        Assert.Throws<ArgumentException>(() => Tpm2Salt.Create(ecc with { Unique = new byte[] { 1 }.Concat(U).ToArray(), UniqueY = U }, out _));
        Assert.Throws<ArgumentException>(() => Tpm2Salt.Create(ecc with { CurveId = (TpmEccCurve)0x20 }, out _));
        Assert.Throws<ArgumentException>(() => Tpm2Salt.Create(TpmtPublic.RsaStorageKey, out _));
    }

    [Theory]
    [InlineData("well-known", "")]
    [InlineData("hash:0000000000000000000000000000000000000000", "")]
    [InlineData("hash:0102030405060708090a0b0c0d0e0f1011120000", "0102030405060708090a0b0c0d0e0f101112")]
    [InlineData("text:abc", "616263")]
    [InlineData("text:", "")]
    public void AuthValue_Parsed_HasNoZeroesAtItsEnd(string form, string expected)
    {
        using Tpm2AuthValue value = Tpm2AuthValue.Parse(form);
        Assert.Equal(expected, Convert.ToHexStringLower(value.Span));
        Assert.Equal(expected.Length == 0, value.IsEmpty);
        Assert.Equal("(secret)", value.ToString());
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("hash:00")]
    [InlineData("text:0123456789012345678901234567890123456789012345678901234567890123456789")]
    public void AuthValue_OfAnotherForm_IsRefusedWithoutRepeatingIt(string form) =>
        Assert.DoesNotContain("0123", Assert.Throws<FormatException>(() => Tpm2AuthValue.Parse(form)).Message, StringComparison.Ordinal);
}
