using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Vtpm.Wire;

/// <summary><c>TPM_DIGEST</c>, Part 2 §5.4: the 20 bytes of a SHA-1 hash; also TPM_PCRVALUE, TPM_COMPOSITE_HASH, TPM_CHOSENID_HASH.</summary>
[InlineArray(Size)]
public struct TpmDigest : IWireStructure<TpmDigest>, IEquatable<TpmDigest>
{
    public const int Size = 20;

    private byte _first;

    /// <exception cref="ArgumentException"><paramref name="bytes"/> are not 20.</exception>
    public TpmDigest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException("a digest has 20 bytes", nameof(bytes));
        bytes.CopyTo(Span);
    }

    [UnscopedRef]
    public Span<byte> Span => this;

    [UnscopedRef]
    public readonly ReadOnlySpan<byte> ReadOnlySpan => this;

    /// <summary>Twenty bytes of 0xFF: what a PCR that no DRTM has reset holds (PC Client profile).</summary>
    public static TpmDigest AllOnes
    {
        get
        {
            TpmDigest digest = default;
            digest.Span.Fill(0xFF);
            return digest;
        }
    }

    /// <summary>SHA-1 of <paramref name="bytes"/>.</summary>
    public static TpmDigest Of(ReadOnlySpan<byte> bytes)
    {
        TpmDigest digest = default;
        SHA1.HashData(bytes, digest.Span);
        return digest;
    }

    /// <summary>SHA-1(this || <paramref name="bytes"/>): how registers and logs grow.</summary>
    public readonly TpmDigest Extend(ReadOnlySpan<byte> bytes)
    {
        int length = Size + bytes.Length;
        Span<byte> input = length <= 256 ? stackalloc byte[256] : new byte[length];
        ReadOnlySpan.CopyTo(input);
        bytes.CopyTo(input[Size..]);
        return Of(input[..length]);
    }

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDigest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Fixed(value.Span);

    public static bool operator ==(TpmDigest left, TpmDigest right) => left.Equals(right);

    public static bool operator !=(TpmDigest left, TpmDigest right) => !left.Equals(right);

    public readonly bool Equals(TpmDigest other) => ReadOnlySpan.SequenceEqual(other.ReadOnlySpan);

    /// <summary>Comparison whose time does not tell where the difference is; for digests that stand for a secret.</summary>
    public readonly bool FixedTimeEquals(TpmDigest other) => CryptographicOperations.FixedTimeEquals(ReadOnlySpan, other.ReadOnlySpan);

    public override readonly bool Equals(object? obj) => obj is TpmDigest other && Equals(other);

    public override readonly int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(ReadOnlySpan);
        return hash.ToHashCode();
    }

    public override readonly string ToString() => Convert.ToHexStringLower(ReadOnlySpan);
}
