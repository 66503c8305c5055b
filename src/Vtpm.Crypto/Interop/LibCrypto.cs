using System.Runtime.InteropServices;

namespace Vtpm.Crypto;

/// <summary>
/// The functions of OpenSSL 3's libcrypto that this room uses, under their own names.
/// </summary>
/// <remarks>
/// The RSA functions are the low-level ones, not EVP. They take no part in a host's provider or crypto-policy configuration, which may refuse short keys
/// or operations without padding that a TPM cannot do without; one RSA object serves any number of threads; and a call needs no context of its own.
/// OpenSSL deprecates them in its headers but keeps them in every libcrypto.so.3.
/// </remarks>
internal static partial class LibCrypto
{
    private const string Library = "libcrypto.so.3";

    internal const int RsaNoPadding = 3;
    internal const int BnFlagConstantTime = 4;

    [LibraryImport(Library)]
    internal static partial int OPENSSL_init_crypto(ulong options, nint settings);

    [LibraryImport(Library)]
    internal static partial SafeRsaHandle RSA_new();

    [LibraryImport(Library)]
    internal static partial void RSA_free(nint rsa);

    [LibraryImport(Library)]
    internal static partial int RSA_generate_key_ex(SafeRsaHandle rsa, int bits, nint e, nint callback);

    /// <summary>Takes ownership of the numbers, here and in the other two: they must not be freed after a success.</summary>
    [LibraryImport(Library)]
    internal static partial int RSA_set0_key(SafeRsaHandle rsa, nint n, nint e, nint d);

    [LibraryImport(Library)]
    internal static partial int RSA_set0_factors(SafeRsaHandle rsa, nint p, nint q);

    [LibraryImport(Library)]
    internal static partial int RSA_set0_crt_params(SafeRsaHandle rsa, nint dmp1, nint dmq1, nint iqmp);

    /// <summary>The number stays the key's, here and in the other two.</summary>
    [LibraryImport(Library)]
    internal static partial nint RSA_get0_n(SafeRsaHandle rsa);

    [LibraryImport(Library)]
    internal static partial nint RSA_get0_p(SafeRsaHandle rsa);

    [LibraryImport(Library)]
    internal static partial nint RSA_get0_q(SafeRsaHandle rsa);

    [LibraryImport(Library)]
    internal static partial int RSA_private_decrypt(int length, ReadOnlySpan<byte> from, Span<byte> to, SafeRsaHandle rsa, int padding);

    [LibraryImport(Library)]
    internal static partial nint BN_new();

    [LibraryImport(Library)]
    internal static partial void BN_clear_free(nint number);

    [LibraryImport(Library)]
    internal static partial nint BN_dup(nint number);

    [LibraryImport(Library)]
    internal static partial nint BN_bin2bn(ReadOnlySpan<byte> bytes, int length, nint result);

    [LibraryImport(Library)]
    internal static partial int BN_bn2binpad(nint number, Span<byte> bytes, int length);

    [LibraryImport(Library)]
    internal static partial void BN_set_flags(nint number, int flags);

    [LibraryImport(Library)]
    internal static partial int BN_num_bits(nint number);

    [LibraryImport(Library)]
    internal static partial int BN_is_zero(nint number);

    [LibraryImport(Library)]
    internal static partial int BN_is_odd(nint number);

    [LibraryImport(Library)]
    internal static partial int BN_ucmp(nint left, nint right);

    [LibraryImport(Library)]
    internal static partial int BN_set_word(nint number, ulong word);

    [LibraryImport(Library)]
    internal static partial int BN_add_word(nint number, ulong word);

    [LibraryImport(Library)]
    internal static partial int BN_sub_word(nint number, ulong word);

    [LibraryImport(Library)]
    internal static partial int BN_mul_word(nint number, ulong word);

    /// <returns>The remainder, or all ones.</returns>
    [LibraryImport(Library)]
    internal static partial ulong BN_div_word(nint number, ulong word);

    /// <returns>The remainder, or all ones.</returns>
    [LibraryImport(Library)]
    internal static partial ulong BN_mod_word(nint number, ulong word);

    [LibraryImport(Library)]
    internal static partial int BN_mul(nint result, nint left, nint right, nint context);

    [LibraryImport(Library)]
    internal static partial int BN_add(nint result, nint left, nint right);

    [LibraryImport(Library)]
    internal static partial int BN_div(nint quotient, nint remainder, nint dividend, nint divisor, nint context);

    [LibraryImport(Library)]
    internal static partial nint BN_mod_inverse(nint result, nint number, nint modulus, nint context);

    [LibraryImport(Library)]
    internal static partial int BN_mod_exp_mont(nint result, nint number, nint exponent, nint modulus, nint context, nint montgomery);

    [LibraryImport(Library)]
    internal static partial int BN_mod_exp_mont_consttime(nint result, nint number, nint exponent, nint modulus, nint context, nint montgomery);

    [LibraryImport(Library)]
    internal static partial nint BN_CTX_new();

    [LibraryImport(Library)]
    internal static partial void BN_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int RAND_poll();

    [LibraryImport(Library)]
    internal static partial void RAND_add(ReadOnlySpan<byte> bytes, int length, double entropy);

    [LibraryImport(Library)]
    internal static partial ulong ERR_get_error();

    [LibraryImport(Library)]
    internal static partial void ERR_clear_error();

    [LibraryImport(Library)]
    internal static partial void ERR_error_string_n(ulong error, Span<byte> text, nuint length);

    internal static void Require(bool success, string function)
    {
        if (!success) throw CryptoException.FromLibCrypto(function);
    }

    internal static nint Require(nint result, string function) => result != 0 ? result : throw CryptoException.FromLibCrypto(function);
}
