using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.TestKit;

namespace Vtpm.Timing;

/// <summary>Ciphertexts for a fixed key whose padding is right, or wrong in one place.</summary>
internal sealed class Paddings
{
    public const int MessageLength = 20;

    private readonly FixedRsa _rsa = new();
    private readonly byte[] _modulus;
    private readonly Random _random = new(7);

    public Paddings(int keyLength)
        : this(FixedRsa.KeysOf(keyLength).First().Modulus)
    {
    }

    /// <summary>For the fixed key of that modulus.</summary>
    public Paddings(ReadOnlyMemory<byte> modulus)
    {
        _modulus = modulus.ToArray();
        Key = _rsa.Import(_modulus, KeyParameters.DefaultExponent, FixedRsa.PrimeOf(modulus))!;
    }

    public ITpmRsaPrivateKey Key { get; }

    public static byte[] Label { get; } = "TCPA"u8.ToArray();

    /// <summary>00 || maskedSeed || maskedDB, DB = SHA-1(label) || zeros || 01 || message (PKCS #1 §7.1).</summary>
    /// <param name="break">Changes the block DB, unmasked.</param>
    /// <param name="first">The first byte.</param>
    public byte[] Oaep(Action<byte[]>? @break = null, byte first = 0)
    {
        byte[] seed = Bytes(SHA1.HashSizeInBytes);
        byte[] db = new byte[Key.Size - 1 - seed.Length];
        SHA1.HashData(Label, db);
        db[^(MessageLength + 1)] = 1;
        Bytes(MessageLength).CopyTo(db, db.Length - MessageLength);
        @break?.Invoke(db);
        Xor(db, Mgf1(seed, db.Length));
        Xor(seed, Mgf1(db, seed.Length));
        return Encrypt([first, .. seed, .. db]);
    }

    /// <summary>00 || 02 || bytes that are not zero || 00 || message (PKCS #1 §7.2).</summary>
    public byte[] Pkcs1(Action<byte[]>? @break = null)
    {
        byte[] block = Bytes(Key.Size);
        for (int i = 0; i < block.Length; i++) block[i] |= 1;
        (block[0], block[1], block[^(MessageLength + 1)]) = (0, 2, 0);
        @break?.Invoke(block);
        return Encrypt(block);
    }

    public byte[] AnyCiphertext()
    {
        byte[] bytes = Bytes(Key.Size);
        bytes[0] = 0;
        return bytes;
    }

    public byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    public static byte[] Mgf1(ReadOnlySpan<byte> seed, int length)
    {
        byte[] mask = new byte[length + SHA1.HashSizeInBytes];
        for (int at = 0, counter = 0; at < length; at += SHA1.HashSizeInBytes, counter++)
            SHA1.HashData([.. seed, 0, 0, 0, (byte)counter], mask.AsSpan(at));
        return mask[..length];
    }

    public static void Xor(byte[] data, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < data.Length; i++) data[i] ^= mask[i];
    }

    private byte[] Encrypt(byte[] block)
    {
        byte[] ciphertext = new byte[block.Length];
        return _rsa.PublicOperation(_modulus, KeyParameters.DefaultExponent, block, ciphertext)
            ? ciphertext
            : throw new InvalidOperationException("the block is no number below the modulus");
    }
}
