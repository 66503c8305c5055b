using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Vtpm.Client;

/// <summary>
/// A power modulo an odd number, for numbers that are secret. Nothing in it branches, or picks from memory, by what the base or the exponent is; what
/// is left in buffers is zeroed. The base library's <c>BigInteger</c> promises neither.
/// </summary>
/// <remarks>Montgomery's multiplication (P. L. Montgomery 1985): numbers are kept times R = 2^(64·words), so that reducing is a shift.</remarks>
public static class ModularPower
{
    private const int WordBits = 64;

    /// <summary>
    /// <paramref name="result"/> = <paramref name="number"/> ^ <paramref name="exponent"/> mod <paramref name="modulus"/>, all of them big-endian.
    /// </summary>
    /// <exception cref="ArgumentException">The modulus is even, or number and result are not as long as it.</exception>
    public static void Compute(ReadOnlySpan<byte> number, ReadOnlySpan<byte> exponent, ReadOnlySpan<byte> modulus, Span<byte> result)
    {
        if (modulus.IsEmpty || modulus[^1] % 2 == 0) throw new ArgumentException("an odd modulus is needed", nameof(modulus));
        if (number.Length != modulus.Length || result.Length != modulus.Length)
            throw new ArgumentException("numbers as long as the modulus are needed", nameof(number));

        int words = (modulus.Length + sizeof(ulong) - 1) / sizeof(ulong);
        Span<ulong> buffer = stackalloc ulong[6 * words + 2];
        Span<ulong> n = buffer[..words];
        Span<ulong> @base = buffer.Slice(words, words);
        Span<ulong> power = buffer.Slice(2 * words, words);
        Span<ulong> other = buffer.Slice(3 * words, words);
        Span<ulong> square = buffer.Slice(4 * words, words);
        Span<ulong> scratch = buffer[(5 * words)..];
        buffer.Clear();
        Load(modulus, n);
        Load(number, @base);
        ulong inverse = NegativeInverse(n[0]);

        // power = R, the one of this arithmetic; square = R².
        PowerOfTwo(n, power, scratch, words * WordBits);
        PowerOfTwo(n, square, scratch, 2 * words * WordBits);
        Multiply(@base, square, n, inverse, @base, scratch);
        for (int bit = exponent.Length * 8 - 1; bit >= 0; bit--)
        {
            Multiply(power, power, n, inverse, power, scratch);
            Multiply(power, @base, n, inverse, other, scratch);
            ulong mask = 0UL - (ulong)(exponent[exponent.Length - 1 - bit / 8] >> (bit % 8) & 1);
            for (int i = 0; i < words; i++) power[i] = (other[i] & mask) | (power[i] & ~mask);
        }

        other.Clear();
        other[0] = 1;
        Multiply(power, other, n, inverse, power, scratch);
        Store(power, result);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(buffer));
    }

    /// <summary>left · right / R mod n. The product may be one of the factors.</summary>
    private static void Multiply(ReadOnlySpan<ulong> left, ReadOnlySpan<ulong> right, ReadOnlySpan<ulong> n, ulong inverse, Span<ulong> product, Span<ulong> scratch)
    {
        int words = n.Length;
        Span<ulong> t = scratch[..(words + 2)];
        t.Clear();
        for (int i = 0; i < words; i++)
        {
            ulong carry = 0;
            for (int j = 0; j < words; j++) t[j] = MultiplyAdd(left[j], right[i], t[j], ref carry);
            t[words + 1] = Sum(t[words], carry, out t[words]);

            // n times this makes the lowest word zero.
            ulong factor = t[0] * inverse;
            carry = 0;
            MultiplyAdd(factor, n[0], t[0], ref carry);
            for (int j = 1; j < words; j++) t[j - 1] = MultiplyAdd(factor, n[j], t[j], ref carry);
            ulong over = Sum(t[words], carry, out t[words - 1]);
            t[words] = t[words + 1] + over;
        }

        Reduce(t[..words], n, t[words], product);
    }

    /// <summary>The low word of x · y + addend + carry; the high one is the next carry.</summary>
    private static ulong MultiplyAdd(ulong x, ulong y, ulong addend, ref ulong carry)
    {
        ulong high = Math.BigMul(x, y, out ulong low);
        high += Sum(low, addend, out low);
        high += Sum(low, carry, out low);
        carry = high;
        return low;
    }

    /// <summary>Adds two words; returns the carry.</summary>
    private static ulong Sum(ulong x, ulong y, out ulong sum)
    {
        sum = x + y;
        return ((x & y) | ((x | y) & ~sum)) >> (WordBits - 1);
    }

    /// <summary>2^bits mod n, by doubling; nothing secret.</summary>
    private static void PowerOfTwo(ReadOnlySpan<ulong> n, Span<ulong> value, Span<ulong> scratch, int bits)
    {
        Span<ulong> doubled = scratch[..n.Length];
        value.Clear();
        value[0] = 1;
        for (; bits > 0; bits--)
        {
            ulong carry = 0;
            for (int i = 0; i < n.Length; i++)
            {
                doubled[i] = value[i] << 1 | carry;
                carry = value[i] >> (WordBits - 1);
            }

            Reduce(doubled, n, carry, value);
        }
    }

    /// <summary>Subtracts n once from what is below 2n (with the carry above it), where it is not below n.</summary>
    private static void Reduce(ReadOnlySpan<ulong> value, ReadOnlySpan<ulong> n, ulong carry, Span<ulong> result)
    {
        ulong borrow = 0;
        for (int i = 0; i < n.Length; i++) borrow = Difference(value[i], n[i], borrow, out _);
        // Taken when it does not go below zero, or the carry lends what is missing.
        ulong mask = 0UL - (carry | (borrow ^ 1));
        borrow = 0;
        for (int i = 0; i < n.Length; i++)
        {
            ulong word = value[i];
            borrow = Difference(word, n[i] & mask, borrow, out result[i]);
        }
    }

    /// <summary>x − y − borrow; returns the next borrow.</summary>
    private static ulong Difference(ulong x, ulong y, ulong borrow, out ulong difference)
    {
        difference = x - y - borrow;
        return ((~x & y) | ((~x | y) & difference)) >> (WordBits - 1);
    }

    /// <summary>−1/odd mod 2^64, by Newton's iteration: each step doubles the bits that are right.</summary>
    private static ulong NegativeInverse(ulong odd)
    {
        ulong inverse = odd;   // right in three bits
        for (int i = 0; i < 5; i++) inverse *= 2 - odd * inverse;
        return 0UL - inverse;
    }

    private static void Load(ReadOnlySpan<byte> bytes, Span<ulong> words)
    {
        Span<byte> padded = stackalloc byte[words.Length * sizeof(ulong)];
        padded.Clear();
        bytes.CopyTo(padded[^bytes.Length..]);
        for (int i = 0; i < words.Length; i++) words[i] = BinaryPrimitives.ReadUInt64BigEndian(padded[((words.Length - 1 - i) * sizeof(ulong))..]);
        CryptographicOperations.ZeroMemory(padded);
    }

    private static void Store(ReadOnlySpan<ulong> words, Span<byte> bytes)
    {
        Span<byte> padded = stackalloc byte[words.Length * sizeof(ulong)];
        for (int i = 0; i < words.Length; i++) BinaryPrimitives.WriteUInt64BigEndian(padded[((words.Length - 1 - i) * sizeof(ulong))..], words[i]);
        padded[^bytes.Length..].CopyTo(bytes);
        CryptographicOperations.ZeroMemory(padded);
    }
}
