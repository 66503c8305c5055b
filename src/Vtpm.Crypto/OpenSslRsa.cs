using System.Security.Cryptography;
using Vtpm.Engine;

namespace Vtpm.Crypto;

/// <summary>RSA by libcrypto: raw operations, so no policy about digests or paddings has a say in them.</summary>
public sealed class OpenSslRsa : ITpmRsa
{
    /// <summary>The public exponent of every generated key (Part 2 §10.4.1).</summary>
    internal const uint DefaultExponent = 65537;

    private const int MinModulusSize = 512 / 8;

    // Wider than a TPM's own keys: a migration destination or an authority may have a longer one. It bounds what a caller can make us compute.
    private const int MaxModulusSize = 4096 / 8;

    // Two digests, the zero before them and the one after them.
    private const int OaepOverhead = (2 * SHA1.HashSizeInBytes) + 2;

    public OpenSslRsa() => OpenSslLibrary.Initialize();

    public TpmRsaKeyPair Generate(int keyLength)
    {
        if (keyLength is < 512 or > 2048 || keyLength % 16 != 0)
            throw new ArgumentOutOfRangeException(nameof(keyLength), keyLength, "The modulus must have 512 to 2048 bits, in a multiple of 16.");

        // libcrypto keeps a generator of its own. Two copies of one virtual machine would hold the same one, and must not make the same key.
        LibCrypto.Require(LibCrypto.RAND_poll() == 1, nameof(LibCrypto.RAND_poll));

        using BigNumber e = BigNumber.FromWord(DefaultExponent);
        SafeRsaHandle rsa = SafeRsaHandle.Create();
        LibCrypto.Require(LibCrypto.RSA_generate_key_ex(rsa, keyLength, e.Handle, 0) == 1, nameof(LibCrypto.RSA_generate_key_ex));

        var modulus = new byte[keyLength / 8];
        Span<byte> prime = stackalloc byte[keyLength / 16];
        try
        {
            Store(LibCrypto.RSA_get0_n(rsa), modulus);
            Store(LibCrypto.RSA_get0_p(rsa), prime);
            return new TpmRsaKeyPair(modulus, new Secret(prime), OpenSslRsaKey.Complete(rsa, modulus.Length));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(prime);
        }
    }

    public ITpmRsaPrivateKey? Import(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> prime)
    {
        if (!IsUsable(modulus, exponent) || prime.Length > modulus.Length) return null;
        SafeRsaHandle? rsa = RsaNumbers.Factor(modulus, exponent, prime);
        return rsa is null ? null : OpenSslRsaKey.Incomplete(rsa, modulus.Length, exponent);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The output has not the length of the modulus.</exception>
    public bool PublicOperation(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (output.Length != modulus.Length) throw new ArgumentException("The output must have the length of the modulus.", nameof(output));
        if (!IsUsable(modulus, exponent) || input.Length > modulus.Length) return false;
        if (input.Length == modulus.Length && input.SequenceCompareTo(modulus) >= 0) return false;

        using BigNumberScratch scratch = BigNumberScratch.Create();
        using BigNumber n = BigNumber.FromBytes(modulus);
        using BigNumber e = BigNumber.FromWord(exponent);
        using BigNumber number = BigNumber.FromBytes(input);
        LibCrypto.Require(
            LibCrypto.BN_mod_exp_mont(number.Handle, number.Handle, e.Handle, n.Handle, scratch.Handle, 0) == 1,
            nameof(LibCrypto.BN_mod_exp_mont));
        Store(number.Handle, output);
        return true;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The output has not the length of the modulus.</exception>
    public bool EncryptOaep(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> message, ReadOnlySpan<byte> label, Span<byte> output)
    {
        if (output.Length != modulus.Length) throw new ArgumentException("The output must have the length of the modulus.", nameof(output));
        if (!IsUsable(modulus, exponent) || message.Length > modulus.Length - OaepOverhead) return false;

        Span<byte> padded = stackalloc byte[modulus.Length];
        try
        {
            nint sha1 = LibCrypto.EVP_sha1();
            LibCrypto.Require(
                LibCrypto.RSA_padding_add_PKCS1_OAEP_mgf1(padded, padded.Length, message, message.Length, label, label.Length, sha1, sha1) == 1,
                nameof(LibCrypto.RSA_padding_add_PKCS1_OAEP_mgf1));
            return PublicOperation(modulus, exponent, padded, output);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(padded);
        }
    }

    /// <summary>Whether the numbers can be a public key: an odd modulus that fills its bytes, within our sizes, and an odd exponent above one.</summary>
    private static bool IsUsable(ReadOnlySpan<byte> modulus, uint exponent) =>
        modulus.Length is >= MinModulusSize and <= MaxModulusSize && modulus[0] != 0 && (modulus[^1] & 1) != 0 && exponent >= 3 && (exponent & 1) != 0;

    private static void Store(nint number, Span<byte> bytes) =>
        LibCrypto.Require(LibCrypto.BN_bn2binpad(number, bytes, bytes.Length) == bytes.Length, nameof(LibCrypto.BN_bn2binpad));
}
