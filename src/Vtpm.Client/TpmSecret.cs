using System.Security.Cryptography;
using System.Text;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>A plain <c>TPM_SECRET</c> (Part 2 §5.6): 20 bytes in pinned memory that are zeroed when it is disposed of, and never printed.</summary>
public sealed class TpmSecret : IDisposable
{
    private readonly byte[] _bytes = GC.AllocateArray<byte>(TpmAuthData.Size, pinned: true);

    /// <exception cref="ArgumentException">Not 20 bytes.</exception>
    public TpmSecret(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != TpmAuthData.Size) throw new ArgumentException("an authorization value has 20 bytes", nameof(bytes));
        bytes.CopyTo(_bytes);
    }

    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>What tools call well-known: 20 zero bytes.</summary>
    public static TpmSecret WellKnown() => new(stackalloc byte[TpmAuthData.Size]);

    public static TpmSecret Random()
    {
        var secret = new TpmSecret(stackalloc byte[TpmAuthData.Size]);
        RandomNumberGenerator.Fill(secret._bytes);
        return secret;
    }

    /// <summary>Reads <c>well-known</c>, <c>hash:</c> and 40 hex digits, or <c>text:</c> and a text whose SHA-1 is the secret.</summary>
    /// <exception cref="FormatException">Another form; the message says what to write, and does not repeat the secret.</exception>
    public static TpmSecret Parse(string form)
    {
        ArgumentNullException.ThrowIfNull(form);
        if (form == "well-known") return WellKnown();
        Span<byte> bytes = stackalloc byte[TpmAuthData.Size];
        try
        {
            if (form.StartsWith("text:", StringComparison.Ordinal))
            {
                byte[] text = Encoding.UTF8.GetBytes(form["text:".Length..]);
                SHA1.HashData(text, bytes);
                CryptographicOperations.ZeroMemory(text);
                return new TpmSecret(bytes);
            }

            if (form.StartsWith("hash:", StringComparison.Ordinal)) return FromHex(form.AsSpan("hash:".Length), bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }

        throw new FormatException("an authorization is written well-known, hash: and 40 hex digits, or text: and the text");
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    public override string ToString() => "(secret)";

    private static TpmSecret FromHex(ReadOnlySpan<char> hex, Span<byte> bytes) =>
        hex.Length == 2 * TpmAuthData.Size && Convert.FromHexString(hex, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? new TpmSecret(bytes)
            : throw new FormatException("hash: is followed by the 40 hex digits of a SHA-1");
}
