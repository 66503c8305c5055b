using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;
using Vtpm.Wire;

namespace Vtpm.Client.Tests.Support;

/// <summary>A key pair outside any TPM, and what software does with keys: by the base library and BouncyCastle.</summary>
internal sealed class SoftwareKey : IDisposable
{
    private readonly RSA _rsa = RSA.Create(TpmKeys.KeyBits);

    public byte[] Modulus => _rsa.ExportParameters(false).Modulus!;

    /// <summary>As the key of an authority that signs.</summary>
    public TpmPubKey ToSigningPubKey() =>
        new() { AlgorithmParms = TpmKeys.Signing(TpmKeyFlags.None).AlgorithmParms, PubKey = new TpmStorePubKey { Key = Modulus } };

    public byte[] Sign(TpmDigest digest) => _rsa.SignHash(digest.ReadOnlySpan, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

    /// <summary>This key as a migratable child of a TPM's key.</summary>
    public TpmKey Wrap(TpmKey template, TpmPubKey parent, TpmSecret usage, TpmSecret migration)
    {
        template.PubKey = new TpmStorePubKey { Key = Modulus };
        byte[] publicPart = WireFormat.ToBytes(template)[..^sizeof(uint)];
        byte[] prime = _rsa.ExportParameters(true).P!;
        byte[] asymKey = [1, .. usage.Span, .. migration.Span, .. SHA1.HashData(publicPart), 0, 0, 0, (byte)prime.Length, .. prime];
        template.EncData = EncryptOaep(parent.PubKey.Key, asymKey);
        return template;
    }

    /// <summary>TPM_BOUND_DATA for a key (Part 2 §12.5), as a TSS binds.</summary>
    public static byte[] Bind(ReadOnlyMemory<byte> modulus, byte[] data) => EncryptOaep(modulus, [1, 1, 0, 0, 2, .. data]);

    public void Dispose() => _rsa.Dispose();

    private static byte[] EncryptOaep(ReadOnlyMemory<byte> modulus, byte[] message)
    {
        var oaep = new OaepEncoding(new RsaEngine(), new Sha1Digest(), new Sha1Digest(), "TCPA"u8.ToArray());
        oaep.Init(true, new ParametersWithRandom(new RsaKeyParameters(false, new(1, modulus.ToArray()), new("65537")), new SecureRandom()));
        return oaep.ProcessBlock(message, 0, message.Length);
    }
}
