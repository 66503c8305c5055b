using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Blobs encrypted by keys of the TPM (Part 1 §31.1).</content>
public sealed partial class CommandContext
{
    /// <summary>The label of every OAEP encryption of a TPM 1.2 (Part 1 §31.1.1).</summary>
    private static ReadOnlySpan<byte> OaepLabel => "TCPA"u8;

    /// <summary>Bytes that an OAEP encryption with SHA-1 takes from those of the modulus.</summary>
    private const int OaepOverhead = 2 * TpmDigest.Size + 2;

    /// <summary>Encrypts a structure with the public half of <paramref name="key"/>.</summary>
    /// <returns>TPM_BAD_DATASIZE when it does not fit, TPM_ENCRYPT_ERROR when the key cannot.</returns>
    public TpmResult Encrypt<T>(LoadedKey key, in T structure, out ReadOnlyMemory<byte> encData)
        where T : struct, IWireStructure<T> => EncryptBytes(key, WireFormat.ToBytes(structure, Scratch), out encData);

    /// <inheritdoc cref="Encrypt{T}"/>
    public TpmResult EncryptBytes(LoadedKey key, ReadOnlySpan<byte> plain, out ReadOnlyMemory<byte> encData) =>
        EncryptBytes(key.Key.PubKey.Key.Span, key.Exponent, plain, out encData);

    /// <summary>The same, for a public key that is in no slot: its modulus and exponent.</summary>
    public TpmResult EncryptBytes(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> plain, out ReadOnlyMemory<byte> encData)
    {
        encData = default;
        if (plain.Length > modulus.Length - OaepOverhead) return TpmResult.BadDataSize;
        byte[] cipher = new byte[modulus.Length];
        if (!Platform.Rsa.EncryptOaep(modulus, exponent, plain, OaepLabel, cipher)) return TpmResult.EncryptError;
        encData = cipher;
        return TpmResult.Success;
    }

    /// <summary>Decrypts what was OAEP-encrypted for <paramref name="key"/> into memory that is zeroed with the command.</summary>
    /// <returns>TPM_DECRYPT_ERROR when it was not.</returns>
    public TpmResult DecryptBytes(LoadedKey key, ReadOnlyMemory<byte> encData, out ReadOnlyMemory<byte> plain)
    {
        plain = default;
        byte[] buffer = Scratch.Allocate(key.Size);
        if (encData.Length != key.Size || !key.Rsa.DecryptOaep(encData.Span, OaepLabel, buffer, out int length)) return TpmResult.DecryptError;
        plain = buffer.AsMemory(0, length);
        return TpmResult.Success;
    }

    /// <summary>Decrypts what was encrypted for <paramref name="key"/> by TPM_ES_RSAESPKCSv15, likewise.</summary>
    public TpmResult DecryptPkcs1(LoadedKey key, ReadOnlyMemory<byte> encData, out ReadOnlyMemory<byte> plain)
    {
        plain = default;
        byte[] buffer = Scratch.Allocate(key.Size);
        if (encData.Length != key.Size || !key.Rsa.DecryptPkcs1(encData.Span, buffer, out int length)) return TpmResult.DecryptError;
        plain = buffer.AsMemory(0, length);
        return TpmResult.Success;
    }

    /// <summary>Decrypts what was encrypted for <paramref name="key"/> by the scheme that its parameters name.</summary>
    /// <inheritdoc cref="DecryptBytes"/>
    public TpmResult DecryptByScheme(LoadedKey key, ReadOnlyMemory<byte> encData, out ReadOnlyMemory<byte> plain) =>
        key.Key.AlgorithmParms.EncScheme == TpmEncScheme.RsaesOaepSha1Mgf1 ? DecryptBytes(key, encData, out plain) : DecryptPkcs1(key, encData, out plain);

    /// <summary>Decrypts a structure; its variable fields lie in memory that is zeroed with the command.</summary>
    /// <returns>TPM_DECRYPT_ERROR when the bytes are not such a structure.</returns>
    public TpmResult Decrypt<T>(LoadedKey key, ReadOnlyMemory<byte> encData, out T structure)
        where T : struct, IWireStructure<T>
    {
        structure = default;
        if (DecryptBytes(key, encData, out ReadOnlyMemory<byte> plain).Failed(out TpmResult error)) return error;
        return WireFormat.Read(plain.Span, out structure, Scratch) == TpmResult.Success ? TpmResult.Success : TpmResult.DecryptError;
    }
}
