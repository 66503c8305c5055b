using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage.Tests;

/// <summary>A hardware TPM reduced to what the image needs: it opens what was sealed to the configuration it is in.</summary>
internal sealed class SoftSealer(byte configuration = 1) : IManagerSealer
{
    private const byte Veil = 0xA5;
    private const int Checked = SealEntry.SealedDataSize - SHA1.HashSizeInBytes;

    public TpmDigest Present { get; set; } = Configuration(configuration);

    public bool Refuses { get; set; }

    public bool IsBroken { get; set; }

    public int Unsealed { get; private set; }

    public int Sealed { get; private set; }

    public static TpmDigest Configuration(byte number)
    {
        TpmDigest digest = default;
        digest.Span.Fill(number);
        return digest;
    }

    public static PlatformConfiguration Platform(byte number) => new(0x0000_00FF, Configuration(number));

    /// <summary>The first is <see cref="Platform"/> 1, and no other one is any of those.</summary>
    public static PlatformConfiguration[] Platforms(int count) =>
        [Platform(1), .. Enumerable.Range(1, count - 1).Select(i => new PlatformConfiguration(0x0000_00FF, TpmDigest.Of(BitConverter.GetBytes(i))))];

    public static TpmDigest[] Kernels(int count) => [.. Enumerable.Range(0, count).Select(i => TpmDigest.Of(BitConverter.GetBytes(~i)))];

    /// <summary>256 bytes: one of length, the veiled secret, zeros, and at the end a SHA-1 of all: a hardware TPM finds damage too.</summary>
    public static byte[] SealedData(ReadOnlySpan<byte> secret)
    {
        var data = new byte[SealEntry.SealedDataSize];
        data[0] = (byte)secret.Length;
        for (int i = 0; i < secret.Length; i++) data[i + 1] = (byte)(secret[i] ^ Veil);
        SHA1.HashData(data.AsSpan(0, Checked), data.AsSpan(Checked));
        return data;
    }

    public byte[]? Unseal(SealEntry entry)
    {
        if (IsBroken) throw new TimeoutException("the hardware TPM does not answer");
        Unsealed++;
        if (entry.DigestRelease != Present || !SHA1.HashData(entry.SealedData.AsSpan(0, Checked)).AsSpan().SequenceEqual(entry.SealedData.AsSpan(Checked)))
            return null;
        byte[] secret = entry.SealedData[1..(entry.SealedData[0] + 1)];
        for (int i = 0; i < secret.Length; i++) secret[i] ^= Veil;
        return secret;
    }

    public SealEntry? Seal(PlatformConfiguration platform, ReadOnlySpan<byte> secret)
    {
        if (IsBroken) throw new TimeoutException("the hardware TPM does not answer");
        if (Refuses) return null;
        Sealed++;
        return new SealEntry
        {
            PcrMask = platform.PcrMask, DigestAtSeal = Present, DigestRelease = platform.DigestRelease, SealedData = SealedData(secret),
        };
    }
}
