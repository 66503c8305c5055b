using Vtpm.Engine;
using static Vtpm.Crypto.LibCrypto;

namespace Vtpm.Crypto;

/// <summary>Long integers by libcrypto: powers by its ladder of constant time, everything cleared when it is freed.</summary>
public sealed class OpenSslArithmetic : ITpmArithmetic
{
    // It bounds what a caller can make us compute.
    private const int MaxSize = 4096 / 8;

    public OpenSslArithmetic() => OpenSslLibrary.Initialize();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The result is shorter than the modulus.</exception>
    public bool PowerMod(ReadOnlySpan<byte> number, ReadOnlySpan<byte> exponent, ReadOnlySpan<byte> modulus, Span<byte> result)
    {
        RequireRoom(modulus, result);
        if (!AreInRange(number, exponent, modulus)) return false;
        using BigNumber n = BigNumber.FromBytes(modulus);
        // Montgomery's method is for odd numbers.
        if (!n.IsOdd || n.BitLength < 2) return false;
        using BigNumberScratch scratch = BigNumberScratch.Create();
        using BigNumber x = BigNumber.FromBytes(number).AsSecret();
        using BigNumber y = BigNumber.FromBytes(exponent).AsSecret();
        Require(BN_mod_exp_mont_consttime(x.Handle, x.Handle, y.Handle, n.Handle, scratch.Handle, 0) == 1, nameof(BN_mod_exp_mont_consttime));
        return x.TryStore(result);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The result is shorter than the modulus.</exception>
    public bool MultiplyMod(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, ReadOnlySpan<byte> modulus, Span<byte> result)
    {
        RequireRoom(modulus, result);
        if (!AreInRange(left, right, modulus)) return false;
        using BigNumber n = BigNumber.FromBytes(modulus);
        if (n.IsZero) return false;
        using BigNumberScratch scratch = BigNumberScratch.Create();
        using BigNumber x = BigNumber.FromBytes(left).AsSecret();
        using BigNumber y = BigNumber.FromBytes(right).AsSecret();
        using BigNumber product = BigNumber.CreateSecret();
        Require(BN_mul(product.Handle, x.Handle, y.Handle, scratch.Handle) == 1, nameof(BN_mul));
        Require(BN_div(0, product.Handle, product.Handle, n.Handle, scratch.Handle) == 1, nameof(BN_div));
        return product.TryStore(result);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The result is shorter than the modulus.</exception>
    public bool Remainder(ReadOnlySpan<byte> number, ReadOnlySpan<byte> modulus, Span<byte> result)
    {
        RequireRoom(modulus, result);
        if (!AreInRange(number, modulus)) return false;
        using BigNumber n = BigNumber.FromBytes(modulus);
        if (n.IsZero) return false;
        using BigNumberScratch scratch = BigNumberScratch.Create();
        using BigNumber x = BigNumber.FromBytes(number).AsSecret();
        using BigNumber remainder = BigNumber.CreateSecret();
        Require(BN_div(0, remainder.Handle, x.Handle, n.Handle, scratch.Handle) == 1, nameof(BN_div));
        return remainder.TryStore(result);
    }

    public bool MultiplyAdd(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, ReadOnlySpan<byte> addend, Span<byte> result)
    {
        if (!AreInRange(left, right, addend)) return false;
        using BigNumberScratch scratch = BigNumberScratch.Create();
        using BigNumber x = BigNumber.FromBytes(left).AsSecret();
        using BigNumber y = BigNumber.FromBytes(right).AsSecret();
        using BigNumber z = BigNumber.FromBytes(addend).AsSecret();
        using BigNumber sum = BigNumber.CreateSecret();
        Require(BN_mul(sum.Handle, x.Handle, y.Handle, scratch.Handle) == 1, nameof(BN_mul));
        Require(BN_add(sum.Handle, sum.Handle, z.Handle) == 1, nameof(BN_add));
        return sum.TryStore(result);
    }

    private static bool AreInRange(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third = default) =>
        first.Length <= MaxSize && second.Length <= MaxSize && third.Length <= MaxSize;

    private static void RequireRoom(ReadOnlySpan<byte> modulus, Span<byte> result)
    {
        if (result.Length < modulus.Length) throw new ArgumentException("The result must have room for the length of the modulus.", nameof(result));
    }
}
