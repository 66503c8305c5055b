using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Client;

/// <summary>The two key derivation functions of TPM 2.0 (Part 1 §11.4.9).</summary>
internal static class Tpm2Kdf
{
    /// <summary><c>KDFa</c>: SP 800-108 in counter mode by HMAC.</summary>
    /// <param name="hash">Of the HMAC.</param>
    /// <param name="key">Its key.</param>
    /// <param name="label">What for, without the final zero.</param>
    /// <param name="contextU">The one party's.</param>
    /// <param name="contextV">The other party's.</param>
    /// <param name="output">All of it is filled.</param>
    public static void A(TpmAlgId hash, ReadOnlySpan<byte> key, ReadOnlySpan<byte> label, ReadOnlySpan<byte> contextU, ReadOnlySpan<byte> contextV, Span<byte> output)
    {
        byte[] input = [0, 0, 0, 0, .. label, 0, .. contextU, .. contextV, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(input.Length - sizeof(int)), output.Length * 8);
        Span<byte> block = stackalloc byte[TpmHash.MaxSize];
        block = block[..hash.Size()];
        for (int i = 0; i * block.Length < output.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(input, i + 1);
            CryptographicOperations.HmacData(hash.Name(), key, input, block);
            Fill(output, i, block);
        }

        CryptographicOperations.ZeroMemory(block);
    }

    /// <summary><c>KDFe</c>: SP 800-56A's, from the x of a shared point.</summary>
    public static void E(TpmAlgId hash, ReadOnlySpan<byte> z, ReadOnlySpan<byte> label, ReadOnlySpan<byte> partyU, ReadOnlySpan<byte> partyV, Span<byte> output)
    {
        byte[] input = [0, 0, 0, 0, .. z, .. label, 0, .. partyU, .. partyV];
        Span<byte> block = stackalloc byte[TpmHash.MaxSize];
        block = block[..hash.Size()];
        for (int i = 0; i * block.Length < output.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(input, i + 1);
            CryptographicOperations.HashData(hash.Name(), input, block);
            Fill(output, i, block);
        }

        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(block);
    }

    private static void Fill(Span<byte> output, int index, ReadOnlySpan<byte> block)
    {
        Span<byte> rest = output[(index * block.Length)..];
        block[..Math.Min(block.Length, rest.Length)].CopyTo(rest);
    }
}
