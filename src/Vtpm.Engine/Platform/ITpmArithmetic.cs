namespace Vtpm.Engine;

/// <summary>
/// Arithmetic on long integers, big-endian and without sign, for the commands that need more than RSA (Part 2 §22). Any of them may be secret, but
/// for a modulus: the time does not tell them, and no copy of them is left behind. Leading zeros are allowed everywhere; no bytes are zero.
/// </summary>
public interface ITpmArithmetic
{
    /// <summary><paramref name="number"/>^<paramref name="exponent"/> mod <paramref name="modulus"/>, filled up with leading zeros.</summary>
    /// <returns>False for a modulus that is not odd or not above one, and for numbers of more than 4096 bits.</returns>
    bool PowerMod(ReadOnlySpan<byte> number, ReadOnlySpan<byte> exponent, ReadOnlySpan<byte> modulus, Span<byte> result);

    /// <summary><paramref name="left"/> * <paramref name="right"/> mod <paramref name="modulus"/>, filled up with leading zeros.</summary>
    /// <returns>False for a modulus of zero, and for numbers of more than 4096 bits.</returns>
    bool MultiplyMod(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, ReadOnlySpan<byte> modulus, Span<byte> result);

    /// <summary><paramref name="number"/> mod <paramref name="modulus"/>, filled up with leading zeros.</summary>
    /// <returns>False for a modulus of zero, and for numbers of more than 4096 bits.</returns>
    bool Remainder(ReadOnlySpan<byte> number, ReadOnlySpan<byte> modulus, Span<byte> result);

    /// <summary><paramref name="left"/> * <paramref name="right"/> + <paramref name="addend"/> over the integers, filled up with leading zeros.</summary>
    /// <returns>False when that has more bytes than <paramref name="result"/>, and for numbers of more than 4096 bits.</returns>
    bool MultiplyAdd(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, ReadOnlySpan<byte> addend, Span<byte> result);
}
