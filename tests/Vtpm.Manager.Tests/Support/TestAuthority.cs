using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager.Tests.Support;

/// <summary>A group's authority that has nothing of our code but the link: bytes by hand, arithmetic and signatures by the base library.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly Lazy<RSAParameters> Parameters = new(() => RSA.Create(2048).ExportParameters(includePrivateParameters: true));
    private static readonly BigInteger Modp2048 =
        new(Org.BouncyCastle.Crypto.Agreement.DHStandardGroups.rfc3526_2048.P.ToByteArrayUnsigned(), isUnsigned: true, isBigEndian: true);

    public RSA Key { get; } = RSA.Create(Parameters.Value);

    public byte[] Modulus => Key.ExportParameters(includePrivateParameters: false).Modulus!;

    public static BigInteger NewSecret() => new(RandomNumberGenerator.GetBytes(255), isUnsigned: true);

    /// <summary>2^secret mod p, in 256 bytes.</summary>
    public static byte[] Public(BigInteger secret) => Bytes(BigInteger.ModPow(2, secret, Modp2048));

    /// <summary>SHA-256 of peer^secret mod p, laid over 32 bytes.</summary>
    public static byte[] Mask(ReadOnlySpan<byte> peer, BigInteger secret, ReadOnlySpan<byte> bytes)
    {
        byte[] key = SHA256.HashData(Bytes(BigInteger.ModPow(new BigInteger(peer, isUnsigned: true, isBigEndian: true), secret, Modp2048)));
        return [.. bytes.ToArray().Zip(key, (a, b) => (byte)(a ^ b))];
    }

    /// <summary>Numbers that agree on a secret which everybody knows, or that are none of the group.</summary>
    public static IEnumerable<byte[]> NoPublics() => ((BigInteger[])[0, 1, Modp2048 - 1, Modp2048, Modp2048 + 1]).Select(Bytes);

    /// <summary>Whether a key signed TPM_QUOTE_INFO over these PCRs (mask and values) and that external data.</summary>
    public static bool IsQuote(ReadOnlySpan<byte> modulus, byte[] mask, byte[] values, byte[] externalData, ReadOnlySpan<byte> signature)
    {
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, values.Length);
        byte[] composite = SHA1.HashData((byte[])[0, (byte)mask.Length, .. mask, .. length, .. values]);
        using RSA key = RSA.Create(new RSAParameters { Modulus = modulus.ToArray(), Exponent = [1, 0, 1] });
        byte[] info = [1, 1, 0, 0, .. "QUOT"u8, .. composite, .. SHA1.HashData((byte[])[0, 0, 0, 0, .. SHA1.HashData(externalData)])];
        return key.VerifyData(info, signature, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
    }

    /// <summary>SHA-1 of TPM_PCR_COMPOSITE over one PCR.</summary>
    public static TpmDigest Composite(int pcr, TpmDigest value)
    {
        byte[] mask = new byte[3];
        mask[pcr / 8] = (byte)(1 << (pcr % 8));
        return TpmDigest.Of((byte[])[0, 3, .. mask, 0, 0, 0, 20, .. value.ReadOnlySpan]);
    }

    public VtpmGroupNewResponse NewGroup(VtpmManagerClient administrator, TpmDigest label = default) =>
        administrator.Manage<VtpmGroupNewRequest, VtpmGroupNewResponse>(
            VtpmManagerOrdinal.GroupNew, new VtpmGroupNewRequest { LabelDigest = label, SaaModulus = Modulus });

    /// <summary>A file in our form, for one platform of one PCR, and everybody on a socket.</summary>
    public byte[] Approve(ulong sequence, int pcr, TpmDigest value, Guid group = default, TpmDigest[]? kernels = null)
    {
        byte[] number = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(number, sequence);
        byte[] mask = new byte[3];
        mask[pcr / 8] = (byte)(1 << (pcr % 8));
        kernels ??= [TpmDigest.Of("*:vtpm:socket"u8)];
        byte[] signed =
        [
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, .. "vTPMcfg2"u8, .. group.ToByteArray(bigEndian: true), .. number,
            0, 0, 0, 1, 0, 3, .. mask, .. Composite(pcr, value).ReadOnlySpan,
            0, 0, 0, (byte)kernels.Length, .. kernels.SelectMany(kernel => kernel.ReadOnlySpan.ToArray()),
        ];
        return [.. signed, .. Key.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)];
    }

    public void Dispose() => Key.Dispose();

    private static byte[] Bytes(BigInteger number)
    {
        byte[] bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[256 - bytes.Length], .. bytes];
    }
}
