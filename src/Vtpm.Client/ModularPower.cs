using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Vtpm.Client;

/// <summary>
/// A power modulo an odd number, for a secret base and a small public exponent. Multiplication is shift-and-add with a masked subtraction after each
/// step: slow (milliseconds at 2048 bits, for a command that takes seconds), but there is nothing in it that branches on the secret.
/// </summary>
internal static class ModularPower
{
    /// <summary><paramref name="result"/> = <paramref name="number"/> ^ <paramref name="exponent"/> mod <paramref name="modulus"/>, big-endian, all of one length.</summary>
    public static void Compute(ReadOnlySpan<byte> number, uint exponent, ReadOnlySpan<byte> modulus, Span<byte> result)
    {
        int words = (modulus.Length + sizeof(ulong) - 1) / sizeof(ulong);
        Span<ulong> n = stackalloc ulong[words];
        Span<ulong> b = stackalloc ulong[words];
        Span<ulong> power = stackalloc ulong[words];
        Span<ulong> product = stackalloc ulong[words];
        Span<ulong> scratch = stackalloc ulong[words];
        Load(modulus, n);
        Load(number, b);
        b.CopyTo(power);
        for (int bit = 30 - int.LeadingZeroCount((int)exponent); bit >= 0; bit--)
        {
            Multiply(power, power, n, product, scratch);
            product.CopyTo(power);
            if ((exponent >> bit & 1) == 0) continue;
            Multiply(power, b, n, product, scratch);
            product.CopyTo(power);
        }

        Store(power, result);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(b));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(power));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(product));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(scratch));
    }

    private static void Multiply(ReadOnlySpan<ulong> left, ReadOnlySpan<ulong> right, ReadOnlySpan<ulong> n, Span<ulong> product, Span<ulong> scratch)
    {
        product.Clear();
        for (int bit = right.Length * 64 - 1; bit >= 0; bit--)
        {
            ulong carry = Add(product, product, ulong.MaxValue);
            Reduce(product, n, carry, scratch);
            ulong mask = 0UL - (right[bit / 64] >> (bit % 64) & 1);
            carry = Add(product, left, mask);
            Reduce(product, n, carry, scratch);
        }
    }

    /// <summary>Adds <paramref name="addend"/> where the mask says so.</summary>
    private static ulong Add(Span<ulong> sum, ReadOnlySpan<ulong> addend, ulong mask)
    {
        ulong carry = 0;
        for (int i = 0; i < sum.Length; i++)
        {
            UInt128 wide = (UInt128)sum[i] + (addend[i] & mask) + carry;
            sum[i] = (ulong)wide;
            carry = (ulong)(wide >> 64);
        }

        return carry;
    }

    /// <summary>Subtracts n once when the value (with the carry above it) is not below n.</summary>
    private static void Reduce(Span<ulong> value, ReadOnlySpan<ulong> n, ulong carry, Span<ulong> scratch)
    {
        ulong borrow = 0;
        for (int i = 0; i < value.Length; i++)
        {
            UInt128 wide = (UInt128)value[i] - n[i] - borrow;
            scratch[i] = (ulong)wide;
            borrow = (ulong)(wide >> 64) & 1;
        }

        // Taken when it did not go below zero, or the carry lends what was missing.
        ulong mask = 0UL - (carry | (borrow ^ 1));
        for (int i = 0; i < value.Length; i++) value[i] = (scratch[i] & mask) | (value[i] & ~mask);
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
    }
}
