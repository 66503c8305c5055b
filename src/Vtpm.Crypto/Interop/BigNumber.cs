namespace Vtpm.Crypto;

/// <summary>
/// Owns a <c>BIGNUM</c> for the length of a <c>using</c>, cleared when freed. A ref struct, since a temporary of a few microseconds should not cost
/// a finalizer.
/// </summary>
internal readonly ref struct BigNumber
{
    private BigNumber(nint handle) => Handle = LibCrypto.Require(handle, nameof(BigNumber));

    internal nint Handle { get; }

    internal bool IsZero => LibCrypto.BN_is_zero(Handle) == 1;

    internal bool IsOdd => LibCrypto.BN_is_odd(Handle) == 1;

    internal int BitLength => LibCrypto.BN_num_bits(Handle);

    internal static BigNumber Create() => new(LibCrypto.BN_new());

    internal static BigNumber FromBytes(ReadOnlySpan<byte> bytes) => new(LibCrypto.BN_bin2bn(bytes, bytes.Length, 0));

    internal static BigNumber FromWord(uint word)
    {
        BigNumber number = Create();
        LibCrypto.Require(LibCrypto.BN_set_word(number.Handle, word) == 1, nameof(LibCrypto.BN_set_word));
        return number;
    }

    /// <summary>A number that libcrypto will only divide by, invert and raise to in ways whose time does not depend on it.</summary>
    internal static BigNumber CreateSecret() => Create().AsSecret();

    /// <summary>The predecessor of a secret number: p - 1 for a prime p.</summary>
    internal static BigNumber SecretPredecessorOf(nint number)
    {
        BigNumber result = new BigNumber(LibCrypto.BN_dup(number)).AsSecret();
        LibCrypto.Require(LibCrypto.BN_sub_word(result.Handle, 1) == 1, nameof(LibCrypto.BN_sub_word));
        return result;
    }

    internal BigNumber AsSecret()
    {
        LibCrypto.BN_set_flags(Handle, LibCrypto.BnFlagConstantTime);
        return this;
    }

    /// <summary>Stores the number with leading zeros, in time that does not tell how many.</summary>
    /// <returns>False when it has more bytes than there are.</returns>
    internal bool TryStore(Span<byte> bytes)
    {
        if (LibCrypto.BN_bn2binpad(Handle, bytes, bytes.Length) == bytes.Length) return true;
        LibCrypto.ERR_clear_error();
        bytes.Clear();
        return false;
    }

    /// <summary>A copy that a key of libcrypto is to own.</summary>
    internal nint ToOwned() => LibCrypto.Require(LibCrypto.BN_dup(Handle), nameof(LibCrypto.BN_dup));

    public void Dispose() => LibCrypto.BN_clear_free(Handle);
}
