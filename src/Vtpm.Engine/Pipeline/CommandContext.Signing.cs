using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Signatures: RSASSA-PKCS1-v1_5 with one of the three schemes of Part 1 §31.2.</content>
public sealed partial class CommandContext
{
    /// <summary>What PKCS #1 wants around a signed area at the least: 00 01, eight bytes FF, 00.</summary>
    private const int SignatureOverhead = 11;

    /// <summary>The DER encoding of DigestInfo for SHA-1, up to the 20 bytes of the digest.</summary>
    private static ReadOnlySpan<byte> Sha1DigestInfo => [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14];

    /// <summary>
    /// Whether a key may sign what the TPM itself has put together: every signing command but TPM_Sign asks (Part 1 §31.2.2 and §31.2.4).
    /// </summary>
    /// <returns>TPM_INAPPROPRIATE_SIG for another scheme than _SHA1 or _INFO, TPM_INVALID_KEYUSAGE for a key that is for no signatures.</returns>
    public static TpmResult CheckSigner(LoadedKey key)
    {
        TpmSigScheme scheme = key.Key.AlgorithmParms.SigScheme;
        if (scheme is not (TpmSigScheme.RsaSsaPkcs1V15Sha1 or TpmSigScheme.RsaSsaPkcs1V15Info)) return TpmResult.InappropriateSig;
        return key.Usage is TpmKeyUsage.Signing or TpmKeyUsage.Identity or TpmKeyUsage.Legacy ? TpmResult.Success : TpmResult.InvalidKeyUsage;
    }

    /// <summary>Signs a structure: its SHA-1, with the DER encoding that names the hash before it.</summary>
    public static TpmResult SignStructure<T>(LoadedKey key, in T structure, out ReadOnlyMemory<byte> signature)
        where T : struct, IWireStructure<T> => SignDigest(key.Rsa, WireFormat.Digest(structure), out signature);

    /// <summary>Signs a structure with a key that was made just now and is in no slot.</summary>
    public static TpmResult SignStructure<T>(ITpmRsaPrivateKey key, in T structure, out ReadOnlyMemory<byte> signature)
        where T : struct, IWireStructure<T> => SignDigest(key, WireFormat.Digest(structure), out signature);

    /// <summary>Signs a TPM_SIGN_INFO (Part 2 §5.14), for commands that have no signed structure of their own.</summary>
    /// <param name="key">The signer.</param>
    /// <param name="command">The four letters that tell the signing commands apart.</param>
    /// <param name="replay">The caller's nonce.</param>
    /// <param name="data">What is vouched for.</param>
    /// <param name="signature">The signature, as long as the key.</param>
    public static TpmResult SignInfo(
        LoadedKey key, TpmSignInfoFixed command, in TpmNonce replay, ReadOnlyMemory<byte> data, out ReadOnlyMemory<byte> signature) =>
        SignStructure(key, new TpmSignInfo { Fixed = command, Replay = replay, Data = data }, out signature);

    /// <summary>Signs a SHA-1 digest (TPM_SS_RSASSAPKCS1v15_SHA1): the DER encoding that names the hash is put before it.</summary>
    /// <returns>TPM_BAD_KEY_PROPERTY when the key's numbers prove not to be those of an RSA key.</returns>
    public static TpmResult SignDigest(LoadedKey key, in TpmDigest digest, out ReadOnlyMemory<byte> signature) =>
        SignDigest(key.Rsa, digest, out signature);

    /// <summary>Signs an area as it is (TPM_SS_RSASSAPKCS1v15_DER): whoever gives it has put a DER encoding before the digest.</summary>
    /// <returns>TPM_BAD_PARAMETER when it is longer than the key can sign; TPM_BAD_KEY_PROPERTY as for a digest.</returns>
    public static TpmResult SignDer(LoadedKey key, ReadOnlySpan<byte> area, out ReadOnlyMemory<byte> signature) =>
        SignDer(key.Rsa, area, out signature);

    /// <summary>Whether a signature (TPM_SS_RSASSAPKCS1v15_SHA1) is of this digest and by this public key. Nothing here is secret.</summary>
    public bool VerifyDigest(ReadOnlySpan<byte> modulus, uint exponent, in TpmDigest digest, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != modulus.Length) return false;
        Span<byte> expected = stackalloc byte[modulus.Length];
        Span<byte> actual = stackalloc byte[modulus.Length];
        EncodeDigest(digest, expected);
        return Platform.Rsa.PublicOperation(modulus, exponent, signature, actual) && expected.SequenceEqual(actual);
    }

    private static TpmResult SignDigest(ITpmRsaPrivateKey key, in TpmDigest digest, out ReadOnlyMemory<byte> signature)
    {
        Span<byte> block = stackalloc byte[key.Size];
        EncodeDigest(digest, block);
        return SignBlock(key, block, out signature);
    }

    private static TpmResult SignDer(ITpmRsaPrivateKey key, ReadOnlySpan<byte> area, out ReadOnlyMemory<byte> signature)
    {
        signature = default;
        if (area.Length > key.Size - SignatureOverhead) return TpmResult.BadParameter;
        Span<byte> block = stackalloc byte[key.Size];
        Encode(area, block);
        return SignBlock(key, block, out signature);
    }

    private static TpmResult SignBlock(ITpmRsaPrivateKey key, ReadOnlySpan<byte> block, out ReadOnlyMemory<byte> signature)
    {
        signature = default;
        byte[] output = new byte[key.Size];
        if (!key.PrivateOperation(block, output)) return TpmResult.BadKeyProperty;
        signature = output;
        return TpmResult.Success;
    }

    private static void EncodeDigest(in TpmDigest digest, Span<byte> block)
    {
        Span<byte> digestInfo = stackalloc byte[Sha1DigestInfo.Length + TpmDigest.Size];
        Sha1DigestInfo.CopyTo(digestInfo);
        digest.ReadOnlySpan.CopyTo(digestInfo[Sha1DigestInfo.Length..]);
        Encode(digestInfo, block);
    }

    /// <summary>EMSA-PKCS1-v1_5: 00 01, bytes FF up to the length of the block, 00, the area.</summary>
    private static void Encode(ReadOnlySpan<byte> area, Span<byte> block)
    {
        block.Fill(0xFF);
        block[0] = 0;
        block[1] = 1;
        block[^(area.Length + 1)] = 0;
        area.CopyTo(block[^area.Length..]);
    }
}
