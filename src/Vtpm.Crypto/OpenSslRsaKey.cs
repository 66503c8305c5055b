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

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The output has less than <see cref="Size"/> bytes.</exception>
    public bool DecryptOaep(ReadOnlySpan<byte> input, ReadOnlySpan<byte> label, Span<byte> output, out int length)
    {
        RequireRoom(output);
        Span<byte> padded = stackalloc byte[Size];
        nint sha1 = LibCrypto.EVP_sha1();
        int result = PrivateOperation(input, padded)
            ? LibCrypto.RSA_padding_check_PKCS1_OAEP_mgf1(output, Size, padded, Size, Size, label, label.Length, sha1, sha1)
            : -1;
        return Finish(result, padded, output, out length);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A bad padding is refused, as a TPM refuses it. Newer releases of libcrypto answer one with random bytes where they decrypt and remove the padding
    /// at once; this does not depend on the release.
    /// </remarks>
    /// <exception cref="ArgumentException">The output has less than <see cref="Size"/> bytes.</exception>
    public bool DecryptPkcs1(ReadOnlySpan<byte> input, Span<byte> output, out int length)
    {
        RequireRoom(output);
        Span<byte> padded = stackalloc byte[Size];
        int result = PrivateOperation(input, padded)
            ? LibCrypto.RSA_padding_check_PKCS1_type_2(output, Size, padded, Size, Size)
            : -1;
        return Finish(result, padded, output, out length);
    }

    private void RequireRoom(Span<byte> output)
    {
        if (output.Length < Size) throw new ArgumentException("The output must have room for the length of the modulus.", nameof(output));
    }

    private static bool Finish(int result, Span<byte> padded, Span<byte> output, out int length)
    {
        CryptographicOperations.ZeroMemory(padded);
        length = Math.Max(result, 0);
        CryptographicOperations.ZeroMemory(output[length..]);
        if (result < 0) LibCrypto.ERR_clear_error();
        return result >= 0;
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
