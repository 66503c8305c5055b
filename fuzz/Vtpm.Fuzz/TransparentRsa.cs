using System.Numerics;
using Vtpm.Engine;
using Vtpm.TestKit;

namespace Vtpm.Fuzz;

/// <summary>
/// RSA without its mathematics: the public and the private operation leave their input as it is, and a padding is a letter and a length. So a byte
/// that is changed in a ciphertext is one that is changed in the plain text, which is what anybody who knows a public key can do; and it costs next
/// to nothing. It holds for the keys that are generated here: one that comes from elsewhere, as that of the self-test does, is computed with.
/// </summary>
/// <param name="opensReal">Whether real ciphertexts for one of the fixed keys are decrypted too: the scripts of the theories make such.</param>
public sealed class TransparentRsa(bool opensReal = false) : ITpmRsa
{
    private const int MinLength = 512;
    private const int MaxLength = 2048;
    private const int OaepOverhead = 42;
    private const int Pkcs1Overhead = 11;

    private static readonly FixedRsa Real = new();
    private static readonly Lazy<ILookup<int, ITpmRsaPrivateKey>> RealKeys = new(() => FixedRsa.All
        .Select(key => Real.Import(key.Modulus, KeyParameters.DefaultExponent, key.Prime)!)
        .ToLookup(key => key.Size));

    private static readonly (byte[] Modulus, byte[] Prime)[]?[] Known = new (byte[], byte[])[MaxLength + 1][];

    /// <summary>How many keys were generated.</summary>
    public int Position { get; set; }

    public TpmRsaKeyPair Generate(int keyLength)
    {
        (byte[] Modulus, byte[] Prime)[] keys = KeysOf(keyLength);
        (byte[] modulus, byte[] prime) = keys[Position++ % keys.Length];
        return new TpmRsaKeyPair(modulus, new Secret(prime), new Key(modulus, opensReal));
    }

    public ITpmRsaPrivateKey? Import(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> prime)
    {
        foreach ((byte[] known, byte[] first) in KeysOf(8 * modulus.Length))
        {
            if (!modulus.SequenceEqual(known)) continue;
            return exponent >= 3 && (exponent & 1) != 0 && prime.SequenceEqual(first) ? new Key(known, opensReal) : null;
        }

        return Real.Import(modulus, exponent, prime);
    }

    public bool PublicOperation(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> input, Span<byte> output) =>
        IsKnown(modulus) ? TryCopy(modulus, input, output) : Real.PublicOperation(modulus, exponent, input, output);

    public bool EncryptOaep(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> message, ReadOnlySpan<byte> label, Span<byte> output)
    {
        if (!IsKnown(modulus)) return Real.EncryptOaep(modulus, exponent, message, label, output);
        if (message.Length > modulus.Length - OaepOverhead) return false;
        Pad((byte)'O', message, output);
        return true;
    }

    /// <summary>
    /// What <see cref="EncryptOaep"/> would have made of the message of a real ciphertext for one of the fixed keys; null when it is none.
    /// </summary>
    public static byte[]? Transparent(ReadOnlySpan<byte> ciphertext)
    {
        byte[] message = new byte[ciphertext.Length];
        foreach (ITpmRsaPrivateKey key in RealKeys.Value[ciphertext.Length])
        {
            if (!key.DecryptOaep(ciphertext, "TCPA"u8, message, out int length)) continue;
            byte[] transparent = new byte[ciphertext.Length];
            Pad((byte)'O', message.AsSpan(0, length), transparent);
            return transparent;
        }

        return null;
    }

    private static bool IsKnown(ReadOnlySpan<byte> modulus)
    {
        foreach ((byte[] known, _) in KeysOf(8 * modulus.Length))
        {
            if (modulus.SequenceEqual(known)) return true;
        }

        return false;
    }

    /// <summary>The fixed keys of a length, or one of two odd numbers where there is none.</summary>
    private static (byte[] Modulus, byte[] Prime)[] KeysOf(int keyLength)
    {
        if (keyLength is < MinLength or > MaxLength || keyLength % 16 != 0) return [];
        if (Known[keyLength] is { } known) return known;
        known = [.. FixedRsa.KeysOf(keyLength)];
        return Known[keyLength] = known.Length > 0 ? known : [Composite(keyLength)];
    }

    private static (byte[] Modulus, byte[] Prime) Composite(int keyLength)
    {
        byte[] factors = new byte[keyLength / 8];
        new SeededRandom(keyLength).Fill(factors);
        Span<byte> p = factors.AsSpan(0, factors.Length / 2), q = factors.AsSpan(factors.Length / 2);
        p[0] |= 0xC0;
        q[0] |= 0xC0;
        p[^1] |= 1;
        q[^1] |= 1;
        return ((Number(p) * Number(q)).ToByteArray(isUnsigned: true, isBigEndian: true), p.ToArray());
    }

    private static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static bool TryCopy(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (input.Length > modulus.Length || (input.Length == modulus.Length && input.SequenceCompareTo(modulus) >= 0)) return false;
        output[..(modulus.Length - input.Length)].Clear();
        input.CopyTo(output[(modulus.Length - input.Length)..]);
        return true;
    }

    private static void Pad(byte padding, ReadOnlySpan<byte> message, Span<byte> output)
    {
        output.Clear();
        output[1] = padding;
        output[2] = (byte)(message.Length >> 8);
        output[3] = (byte)message.Length;
        message.CopyTo(output[4..]);
    }

    private sealed class Key(byte[] modulus, bool opensReal) : ITpmRsaPrivateKey
    {
        public int Size => modulus.Length;

        public bool PrivateOperation(ReadOnlySpan<byte> input, Span<byte> output) => input.Length == Size && TryCopy(modulus, input, output);

        public bool DecryptOaep(ReadOnlySpan<byte> input, ReadOnlySpan<byte> label, Span<byte> output, out int length) =>
            TryUnpad((byte)'O', OaepOverhead, input, output, out length);

        public bool DecryptPkcs1(ReadOnlySpan<byte> input, Span<byte> output, out int length) =>
            TryUnpad((byte)'P', Pkcs1Overhead, input, output, out length);

        private bool TryUnpad(byte padding, int overhead, ReadOnlySpan<byte> input, Span<byte> output, out int length)
        {
            length = 0;
            output.Clear();
            if (opensReal && Transparent(input) is { } transparent) input = transparent;
            if (input.Length != Size || input[0] != 0 || input[1] != padding) return false;
            length = input[2] << 8 | input[3];
            if (length > Size - overhead) return false;
            input.Slice(4, length).CopyTo(output);
            return true;
        }
    }
}
