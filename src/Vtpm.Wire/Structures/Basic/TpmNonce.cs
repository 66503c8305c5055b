using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Vtpm.Wire;

/// <summary><c>TPM_NONCE</c>, Part 2 §5.5: 20 random bytes against replay.</summary>
[InlineArray(Size)]
public struct TpmNonce : IWireStructure<TpmNonce>, IEquatable<TpmNonce>
{
    public const int Size = 20;

    private byte _first;

    /// <exception cref="ArgumentException"><paramref name="bytes"/> are not 20.</exception>
    public TpmNonce(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException("a nonce has 20 bytes", nameof(bytes));
        bytes.CopyTo(Span);
    }

    [UnscopedRef]
    public Span<byte> Span => this;

    [UnscopedRef]
    public readonly ReadOnlySpan<byte> ReadOnlySpan => this;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmNonce value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Fixed(value.Span);

    public static bool operator ==(TpmNonce left, TpmNonce right) => left.Equals(right);

    public static bool operator !=(TpmNonce left, TpmNonce right) => !left.Equals(right);

    public readonly bool Equals(TpmNonce other) => ReadOnlySpan.SequenceEqual(other.ReadOnlySpan);

    public override readonly bool Equals(object? obj) => obj is TpmNonce other && Equals(other);

    public override readonly int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(ReadOnlySpan);
        return hash.ToHashCode();
    }

    public override readonly string ToString() => Convert.ToHexStringLower(ReadOnlySpan);
}
