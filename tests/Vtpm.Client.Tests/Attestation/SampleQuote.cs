using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Vtpm.Client.Attestation;
using Vtpm.Wire;

namespace Vtpm.Client.Tests.Attestation;

/// <summary>
/// A hardware TPM, a manager, a vTPM and a guest on one page: makes evidence by the formula of docs/deep-quotes.md with the base library alone, and
/// nothing of the code under test. Every fact can be another before it signs.
/// </summary>
internal sealed record SampleQuote
{
    private static readonly Lazy<RSA> AikKey = new(() => RSA.Create(2048));
    private static readonly Lazy<RSA> SaaKey = new(() => RSA.Create(2048));
    private static readonly Lazy<RSA> AnotherKey = new(() => RSA.Create(2048));

    private static readonly Lazy<DeepQuotePolicy> UsualPolicy = new(() => new DeepQuotePolicy
    {
        Aik = Modulus(Aik),
        Binding = new IdentityBinding(Binding(Aik, new byte[20]), default),
        Nonce = new TpmNonce(NonceBytes),
        Authority = Modulus(Saa),
        Configuration = ApprovedConfiguration.Parse(new SampleQuote().SignedConfiguration()),
        Kernels = [new TpmDigest(SHA1.HashData("*:vm_r:vtpm_t"u8))],
        Uuid = Guid.Parse(new SampleQuote().Uuid),
        HardwarePcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [4] = [new TpmDigest(Bytes(2, 20))] },
        VirtualPcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [4] = [TpmDigest.AllOnes, new TpmDigest(Bytes(4, 20))], [10] = [new TpmDigest(Bytes(5, 20))] },
        Locality = 0,
    });

    public static RSA Aik => AikKey.Value;

    public static RSA Saa => SaaKey.Value;

    public static RSA Another => AnotherKey.Value;

    public static byte[] NonceBytes => Bytes(0x10, 20);

    public RSA Signer { get; init; } = Aik;

    public byte[] Nonce { get; init; } = NonceBytes;

    public string Uuid { get; init; } = "1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10";

    public string Label { get; init; } = "*:vm_r:vtpm_t";

    public RSA Authority { get; init; } = Saa;

    public ulong Sequence { get; init; } = 7;

    public uint Flags { get; init; } = 15;

    public byte Locality { get; init; } = 1;

    public byte[] EndorsementKey { get; init; } = [];

    public SortedDictionary<int, byte[]> Hardware { get; init; } = new() { [0] = Bytes(1, 20), [4] = Bytes(2, 20), [17] = Bytes(3, 20), [23] = new byte[20] };

    public SortedDictionary<int, byte[]> Virtual { get; init; } = new() { [4] = Bytes(4, 20), [10] = Bytes(5, 20) };

    /// <summary>Platforms that the authority approves: some other, and one of PCRs 0 and 17.</summary>
    public byte[][] Platforms { get; init; } = [Bytes(0x77, 20), Composite(0x020001, Bytes(1, 20), Bytes(3, 20))];

    public byte[][] Kernels { get; init; } = [SHA1.HashData("*:vm_r:older_t"u8), SHA1.HashData("*:vm_r:vtpm_t"u8)];

    /// <summary>What a verifier of the usual facts expects: everything.</summary>
    public static DeepQuotePolicy Policy => UsualPolicy.Value;

    public static byte[] Modulus(RSA key) => key.ExportParameters(false).Modulus!;

    /// <summary>TPM_IDENTITY_CONTENTS, signed.</summary>
    public static byte[] Binding(RSA aik, byte[] labelDigest) => aik.SignData(
        [1, 1, 0, 0, 0, 0, 0, 0x79, .. labelDigest, .. PubKey(aik, encScheme: 1, sigScheme: 2)], HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

    /// <summary>TPM_PUBKEY of an RSA-2048 key.</summary>
    public static byte[] PubKey(RSA key, byte encScheme, byte sigScheme) =>
        [0, 0, 0, 1, 0, encScheme, 0, sigScheme, 0, 0, 0, 12, 0, 0, 8, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, .. Modulus(key)];

    /// <summary>The 20 bytes value, value + 1, ...</summary>
    public static byte[] Bytes(byte first, int count) => [.. Enumerable.Range(first, count).Select(value => (byte)value)];

    public static byte[] Composite(uint mask, params byte[][] values) =>
        SHA1.HashData([0, 3, (byte)mask, (byte)(mask >> 8), (byte)(mask >> 16), .. BigEndian((uint)(20 * values.Length)), .. values.SelectMany(value => value)]);

    /// <summary>The authority's file: signature, list, selections.</summary>
    public byte[] SignedConfiguration()
    {
        byte[] list = ConfigurationList();
        return [.. Authority.SignData(list, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1), .. list, 0, 3, 0x11, 0, 0, 0, 3, 1, 0, 2];
    }

    /// <summary>The same in our form, whose signature covers the selections.</summary>
    public byte[] NewlySignedConfiguration()
    {
        byte[] sequence = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(sequence, Sequence);
        byte[] signed =
        [
            .. Enumerable.Repeat((byte)0xFF, 8), .. "vTPMcfg2"u8, .. new byte[16], .. sequence,
            0, 0, 0, 2, 0, 3, 0x11, 0, 0, .. Platforms[0], 0, 3, 1, 0, 2, .. Platforms[1],
            .. BigEndian((uint)Kernels.Length), .. Kernels.SelectMany(hash => hash),
        ];
        return [.. signed, .. Authority.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)];
    }

    /// <summary>The evidence, as it would be written.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["version"] = 1, ["kind"] = EndorsementKey.Length == 0 ? "deep-quote" : "endorsement-key", ["nonce"] = Hex(Nonce) };
        if (EndorsementKey.Length == 0)
        {
            var hashes = new JsonObject();
            string[] names = ["uuid", "vtpm", "group", "authority"];
            for (int bit = 0; bit < 4; bit++)
                if ((Flags >> bit & 1) == 1) hashes[names[bit]] = Hex(Hashes()[bit]);
            json["hashes"] = hashes;
            json["hardwarePcrs"] = Registers(Hardware);
            json["virtualPcrs"] = Registers(Virtual);
            json["localityAtRelease"] = Hex([Locality]);
        }
        else
        {
            json["hardwarePcrs"] = Registers(Hardware);
            json["endorsementKey"] = Hex(EndorsementKey);
        }

        json["signature"] = Hex(Signature());
        return json;
    }

    public byte[] ToFile() => Encoding.UTF8.GetBytes(ToJson().ToJsonString());

    public DeepQuoteVerdict Verify(DeepQuotePolicy policy) => DeepQuoteVerifier.Verify(ToFile(), policy);

    private static uint Mask(SortedDictionary<int, byte[]> pcrs) => pcrs.Keys.Aggregate(0u, (mask, pcr) => mask | 1u << pcr);

    private static byte[] BigEndian(uint value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static JsonObject Registers(SortedDictionary<int, byte[]> pcrs)
    {
        var values = new JsonObject();
        foreach ((int pcr, byte[] value) in pcrs) values[$"{pcr}"] = Hex(value);
        return new JsonObject { ["sizeOfSelect"] = 3, ["values"] = values };
    }

    private byte[] ConfigurationList()
    {
        byte[] sequence = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(sequence, Sequence);
        return [.. sequence, .. BigEndian((uint)Platforms.Length), .. Platforms.SelectMany(hash => hash), .. BigEndian((uint)Kernels.Length), .. Kernels.SelectMany(hash => hash)];
    }

    private byte[][] Hashes() =>
    [
        SHA1.HashData(Convert.FromHexString(Uuid.Replace("-", "", StringComparison.Ordinal))),
        SHA1.HashData(SHA1.HashData(Encoding.UTF8.GetBytes(Label))),
        SHA1.HashData([.. Modulus(Authority), .. ConfigurationList()]),
        SHA1.HashData(Modulus(Authority)),
    ];

    private byte[] Signature()
    {
        uint mask = Mask(Virtual);
        byte[] info = [0, 3, (byte)mask, (byte)(mask >> 8), (byte)(mask >> 16), Locality, .. Composite(mask, [.. Virtual.Values])];
        byte[] asked = EndorsementKey.Length == 0
            ? SHA1.HashData([0, 0, 0, 0, .. "DQUT"u8, .. Nonce, .. info])
            : SHA1.HashData([.. EndorsementKey, .. Nonce]);
        uint flags = EndorsementKey.Length == 0 ? Flags : 0;
        byte[] hashes = [.. Hashes().Where((_, bit) => (flags >> bit & 1) == 1).SelectMany(hash => hash)];
        byte[] external = SHA1.HashData([(byte)flags, 0, 0, 0, .. asked, .. hashes]);
        return Signer.SignData([1, 1, 0, 0, .. "QUOT"u8, .. Composite(Mask(Hardware), [.. Hardware.Values]), .. external], HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
    }
}
