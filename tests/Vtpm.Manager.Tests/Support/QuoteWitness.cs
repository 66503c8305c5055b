using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Manager.Tests.Support;

/// <summary>Knows the identity key of group 0, and how a quote is made; nothing of our code.</summary>
internal sealed class QuoteWitness(VtpmManager manager)
{
    private readonly RSAParameters _aik = new() { Modulus = manager.Service.Image.Groups[0].AikPublic.ToArray(), Exponent = [1, 0, 1] };

    /// <summary>Version 0.0.0.0, "DQUT", the nonce, TPM_PCR_INFO_SHORT.</summary>
    public static byte[] InfoOf(TpmNonce nonce, byte[] select, byte locality, byte[] values)
    {
        byte[] composite = SHA1.HashData([0, 3, .. select, 0, 0, 0, (byte)values.Length, .. values]);
        return [0, 0, 0, 0, .. "DQUT"u8, .. nonce.ReadOnlySpan, 0, 3, .. select, locality, .. composite];
    }

    /// <summary>Whether a quote of the hardware's PCRs 0 and 17 is the group's.</summary>
    public bool Accepts(VtpmGetQuoteResponse quote, uint flags, byte[] digest)
    {
        byte[] blob = quote.HashesAndPcrValues.ToArray();
        int hashes = 20 * int.PopCount((int)flags);
        byte[] littleEndian = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(littleEndian, flags);
        byte[] quoted =
        [
            1, 1, 0, 0, .. "QUOT"u8,
            .. SHA1.HashData([0, 3, 1, 0, 2, 0, 0, 0, 40, .. blob[hashes..]]),
            .. SHA1.HashData([.. littleEndian, .. digest, .. blob[..hashes]]),
        ];
        using RSA aik = RSA.Create(_aik);
        return aik.VerifyData(quoted, quote.Signature.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
    }
}
