using System.Security.Cryptography;
using System.Text;

namespace Vtpm.Client;

/// <summary>
/// An authorization value of TPM 2.0 (<c>TPM2B_AUTH</c>) in pinned memory that is zeroed when it is disposed of, and never printed. Zeroes at its end
/// are no part of it (Part 1 §19.6.4.3): the 20 zero bytes that are well-known to TPM 1.2 are an empty value here.
/// </summary>
public sealed class Tpm2AuthValue : IDisposable
{
    private readonly byte[] _bytes;

    /// <exception cref="ArgumentException">More bytes than any TPM takes.</exception>
    public Tpm2AuthValue(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes.TrimEnd((byte)0);
        if (bytes.Length > TpmHash.MaxSize) throw new ArgumentException($"an authorization value has at most {TpmHash.MaxSize} bytes", nameof(bytes));
        _bytes = GC.AllocateArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(_bytes);
    }

    public bool IsEmpty => _bytes.Length == 0;

    public ReadOnlySpan<byte> Span => _bytes;

    public static Tpm2AuthValue Empty() => new([]);

    /// <summary>
    /// Reads <c>well-known</c> (the empty value), <c>hash:</c> and 40 hex digits, or <c>text:</c> and a text, whose bytes are the value: tools of TPM
    /// 2.0 hash no passwords.
    /// </summary>
    /// <exception cref="FormatException">Another form; the message says what to write, and does not repeat the secret.</exception>
    public static Tpm2AuthValue Parse(string form)
    {
        ArgumentNullException.ThrowIfNull(form);
        if (!form.StartsWith("text:", StringComparison.Ordinal))
        {
            using TpmSecret secret = TpmSecret.Parse(form);
            return new Tpm2AuthValue(secret.Span);
        }

        byte[] text = Encoding.UTF8.GetBytes(form["text:".Length..]);
        try
        {
            return text.Length <= TpmHash.MaxSize
                ? new Tpm2AuthValue(text)
                : throw new FormatException($"text: is followed by at most {TpmHash.MaxSize} bytes where the hardware is a TPM 2.0");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    public override string ToString() => "(secret)";
}
