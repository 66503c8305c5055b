using System.Security.Cryptography;
using System.Text;

namespace Vtpm.Crypto;

/// <summary>libcrypto or the kernel's random source failed where no input could be the cause: out of memory, no entropy, a broken installation.</summary>
public sealed class CryptoException : CryptographicException
{
    public CryptoException(string message)
        : base(message)
    {
    }

    /// <summary>Describes the failure of <paramref name="function"/> with the first entry of this thread's error queue, and empties the queue.</summary>
    internal static CryptoException FromLibCrypto(string function)
    {
        ulong error = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        if (error == 0) return new CryptoException($"libcrypto: {function} failed without a reason.");

        Span<byte> text = stackalloc byte[256];
        LibCrypto.ERR_error_string_n(error, text, (nuint)text.Length);
        return new CryptoException($"libcrypto: {function} failed: {Encoding.UTF8.GetString(text[..text.IndexOf((byte)0)])}");
    }
}
