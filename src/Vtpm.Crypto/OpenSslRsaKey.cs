using System.Security.Cryptography;
using Vtpm.Engine;

namespace Vtpm.Crypto;

/// <summary>A private key in libcrypto. Any number of threads may use one.</summary>
/// <remarks>
/// A TPM is given a key more often than it computes with one, so an import stops at the two factors. The first operation works out what the Chinese
/// remainder theorem needs and has libcrypto make its blinding, which together cost about as much as a second operation.
/// libcrypto checks every result against the public exponent before letting it out, so a fault in one half of a computation betrays no factor.
/// </remarks>
internal sealed class OpenSslRsaKey : ITpmRsaPrivateKey
{
    private enum Readiness
    {
        Imported,
        Ready,
        Unusable,
    }

    private readonly SafeRsaHandle _rsa;
    private readonly uint _exponent;
    private readonly Lock _completing = new();
    private volatile Readiness _readiness;

    private OpenSslRsaKey(SafeRsaHandle rsa, int size, uint exponent, Readiness readiness)
    {
        _rsa = rsa;
        Size = size;
        _exponent = exponent;
        _readiness = readiness;
    }

    public int Size { get; }

    /// <summary>A key whose numbers are all there.</summary>
    internal static OpenSslRsaKey Complete(SafeRsaHandle rsa, int size) => new(rsa, size, OpenSslRsa.DefaultExponent, Readiness.Ready);

    /// <summary>A key of which only the modulus, the exponent and the factors are there.</summary>
    internal static OpenSslRsaKey Incomplete(SafeRsaHandle rsa, int size, uint exponent) => new(rsa, size, exponent, Readiness.Imported);

    /// <inheritdoc/>
    /// <returns>
    /// False also when the factors of an imported key prove not to be primes that can be computed with: that is the doing of whoever made the key,
    /// and so an answer to him and no failure of ours.
    /// </returns>
    /// <exception cref="ArgumentException">The output has not <see cref="Size"/> bytes.</exception>
    public bool PrivateOperation(ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (output.Length != Size) throw new ArgumentException("The output must have the length of the modulus.", nameof(output));
        if (input.Length != Size || !IsReady()) return false;
        if (LibCrypto.RSA_private_decrypt(input.Length, input, output, _rsa, LibCrypto.RsaNoPadding) == Size) return true;

        LibCrypto.ERR_clear_error();
        output.Clear();
        return false;
    }

    public bool DecryptOaep(ReadOnlySpan<byte> input, ReadOnlySpan<byte> label, Span<byte> output, out int length)
    {
        Span<byte> block = stackalloc byte[Size];
        length = -1;
        if (PrivateOperation(input, block))
        {
            nint sha1 = LibCrypto.EVP_sha1();
            length = LibCrypto.RSA_padding_check_PKCS1_OAEP_mgf1(output, output.Length, block, Size, Size, label, label.Length, sha1, sha1);
        }

        return Unpadded(block, output, ref length);
    }

    public bool DecryptPkcs1(ReadOnlySpan<byte> input, Span<byte> output, out int length)
    {
        Span<byte> block = stackalloc byte[Size];
        length = -1;
        if (PrivateOperation(input, block))
            length = LibCrypto.RSA_padding_check_PKCS1_type_2(output, output.Length, block, Size, Size);
        return Unpadded(block, output, ref length);
    }

    /// <summary>Clears the padded block and what of the output is no message.</summary>
    private static bool Unpadded(Span<byte> block, Span<byte> output, ref int length)
    {
        CryptographicOperations.ZeroMemory(block);
        bool isMessage = length >= 0;
        if (!isMessage)
        {
            LibCrypto.ERR_clear_error();
            length = 0;
        }

        output[length..].Clear();
        return isMessage;
    }

    private bool IsReady()
    {
        if (_readiness == Readiness.Imported)
        {
            lock (_completing)
            {
                if (_readiness == Readiness.Imported)
                    _readiness = RsaNumbers.Complete(_rsa, _exponent) ? Readiness.Ready : Readiness.Unusable;
            }
        }

        return _readiness == Readiness.Ready;
    }
}
