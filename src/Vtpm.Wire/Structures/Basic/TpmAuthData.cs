using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_AUTHDATA</c>, Part 2 §5.6: 20 bytes that prove or carry an authorization; as TPM_ENCAUTH they are encrypted, as TPM_SECRET plain.
/// It compares in constant time and never prints. A plain one that outlives a command belongs in a <c>Secret</c>.
/// </summary>
[InlineArray(Size)]
public struct TpmAuthData : IWireStructure<TpmAuthData>, IEquatable<TpmAuthData>
{
    public const int Size = 20;

    private byte _first;

    /// <exception cref="ArgumentException"><paramref name="bytes"/> are not 20.</exception>
    public TpmAuthData(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException("an authorization value has 20 bytes", nameof(bytes));
        bytes.CopyTo(Span);
    }

    [UnscopedRef]
    public Span<byte> Span => this;

    [UnscopedRef]
    public readonly ReadOnlySpan<byte> ReadOnlySpan => this;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmAuthData value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Fixed(value.Span);

    public static bool operator ==(TpmAuthData left, TpmAuthData right) => left.Equals(right);

    public static bool operator !=(TpmAuthData left, TpmAuthData right) => !left.Equals(right);

    public readonly bool Equals(TpmAuthData other) => CryptographicOperations.FixedTimeEquals(ReadOnlySpan, other.ReadOnlySpan);

    public override readonly bool Equals(object? obj) => obj is TpmAuthData other && Equals(other);

    public override readonly int GetHashCode() => 0;

    public override readonly string ToString() => "(secret)";
}
