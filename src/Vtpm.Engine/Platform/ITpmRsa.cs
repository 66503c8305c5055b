namespace Vtpm.Engine;

/// <summary>RSA as the engine needs it: raw operations on big-endian integers, key generation, and import of the one prime that a TPM keeps.</summary>
public interface ITpmRsa
{
    /// <summary>Generates a key pair with primes of FIPS 186 quality and public exponent 65537.</summary>
    /// <param name="keyLength">Bits of the modulus: 512 to 2048, a multiple of 16.</param>
    TpmRsaKeyPair Generate(int keyLength);

    /// <summary>
    /// Makes a private key from what TPM_STORE_ASYMKEY holds (Part 2 §10.6): one prime. Cheap: the other values are worked out at the first use.
    /// </summary>
    /// <returns>Null when <paramref name="prime"/> does not divide <paramref name="modulus"/> into two factors, or the exponent has no inverse.</returns>
    ITpmRsaPrivateKey? Import(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> prime);

    /// <summary><paramref name="input"/>^e mod n, in <paramref name="output"/> of the modulus's length.</summary>
    /// <returns>False when the input is not below the modulus or the key is not usable.</returns>
    bool PublicOperation(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> input, Span<byte> output);

    /// <summary>RSAES-OAEP with SHA-1, MGF1 and a label (Part 1 §31.1.1: "TCPA"), into <paramref name="output"/> of the modulus's length.</summary>
    /// <returns>False when the message is too long for the key, or the key is not usable.</returns>
    bool EncryptOaep(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> message, ReadOnlySpan<byte> label, Span<byte> output);
}

/// <summary>A private RSA key, held by libcrypto. It is freed, and its numbers cleared, when the last state that holds it is gone.</summary>
public interface ITpmRsaPrivateKey
{
    /// <summary>Bytes of the modulus.</summary>
    int Size { get; }

    /// <summary><paramref name="input"/>^d mod n, blinded, in <paramref name="output"/> of <see cref="Size"/> bytes.</summary>
    /// <returns>False when the input is not below the modulus, or has another length.</returns>
    bool PrivateOperation(ReadOnlySpan<byte> input, Span<byte> output);

    /// <summary>RSAES-OAEP with SHA-1, MGF1 and a label: decrypts and removes the padding in time that does not tell what was wrong with it.</summary>
    /// <param name="input">A ciphertext of <see cref="Size"/> bytes.</param>
    /// <param name="label">The label of the encryption.</param>
    /// <param name="output">At least <see cref="Size"/> bytes; what is behind <paramref name="length"/> is zero.</param>
    /// <param name="length">Bytes of the message.</param>
    /// <returns>False when the ciphertext was not made for this key and label.</returns>
    bool DecryptOaep(ReadOnlySpan<byte> input, ReadOnlySpan<byte> label, Span<byte> output, out int length);

    /// <summary>RSAES-PKCS1-v1_5, likewise.</summary>
    bool DecryptPkcs1(ReadOnlySpan<byte> input, Span<byte> output, out int length);
}

/// <summary>A generated key pair: the modulus, and its first prime in memory of its own that is zeroed when it is disposed of.</summary>
public sealed record TpmRsaKeyPair(ReadOnlyMemory<byte> Modulus, Secret Prime, ITpmRsaPrivateKey Key);
