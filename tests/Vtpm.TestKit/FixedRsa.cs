using System.Reflection;
using Vtpm.Crypto;
using Vtpm.Engine;

namespace Vtpm.TestKit;

/// <summary>The real RSA, but keys come from a list: generating them is slow and would differ from run to run.</summary>
/// <param name="first">Which key of the list is the first.</param>
public sealed class FixedRsa(int first = 0) : ITpmRsa
{
    private static readonly ILookup<int, (byte[] Modulus, byte[] Prime)> Keys = Read();

    private readonly OpenSslRsa _rsa = new();
    private int _next = first;

    public TpmRsaKeyPair Generate(int keyLength)
    {
        var keys = Keys[keyLength].ToArray();
        if (keys.Length == 0) return _rsa.Generate(keyLength);
        (byte[] modulus, byte[] prime) = keys[_next++ % keys.Length];
        return new TpmRsaKeyPair(modulus, new Secret(prime), _rsa.Import(modulus, KeyParameters.DefaultExponent, prime)!);
    }

    public static IEnumerable<(byte[] Modulus, byte[] Prime)> All => Keys.SelectMany(keys => keys);

    /// <summary>The fixed keys of a length, in the order in which they are given out.</summary>
    public static IEnumerable<(byte[] Modulus, byte[] Prime)> KeysOf(int keyLength) => Keys[keyLength];

    /// <summary>A factor of a fixed modulus: what a witness needs to look into a blob of the TPM.</summary>
    public static byte[] PrimeOf(ReadOnlyMemory<byte> modulus) =>
        All.First(key => key.Modulus.AsSpan().SequenceEqual(modulus.Span)).Prime;

    public ITpmRsaPrivateKey? Import(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> prime) => _rsa.Import(modulus, exponent, prime);

    public bool PublicOperation(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> input, Span<byte> output) =>
        _rsa.PublicOperation(modulus, exponent, input, output);

    public bool EncryptOaep(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> message, ReadOnlySpan<byte> label, Span<byte> output) =>
        _rsa.EncryptOaep(modulus, exponent, message, label, output);

    private static ILookup<int, (byte[] Modulus, byte[] Prime)> Read()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("rsa-keys.txt")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .ToLookup(parts => int.Parse(parts[0], null), parts => (Convert.FromHexString(parts[1]), Convert.FromHexString(parts[2])));
    }
}
