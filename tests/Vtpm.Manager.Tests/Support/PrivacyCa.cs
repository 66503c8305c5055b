using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vtpm.Wire;

namespace Vtpm.Manager.Tests.Support;

/// <summary>
/// A privacy CA as small as it can be, and of the test's own: bytes by hand after Part 2 §12, cryptography by the base library and BouncyCastle. It
/// certifies an identity key for whoever has the endorsement key that it was told is good.
/// </summary>
internal sealed class PrivacyCa : IDisposable
{
    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _certificate;

    public PrivacyCa()
    {
        var request = new CertificateRequest("CN=Privacy CA", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    /// <summary>TPM_CHOSENID_HASH: SHA-1 of the identity's label and the CA's public key.</summary>
    public TpmDigest LabelFor(string label) =>
        TpmDigest.Of((byte[])[.. System.Text.Encoding.ASCII.GetBytes(label), .. PubKey(_key.ExportParameters(false).Modulus!)]);

    /// <summary>Whether the new key itself has signed TPM_IDENTITY_CONTENTS: the label, and its public half.</summary>
    public bool AcceptsBinding(ReadOnlyMemory<byte> aikModulus, string label, ReadOnlyMemory<byte> binding)
    {
        byte[] contents = [1, 1, 0, 0, 0, 0, 0, 0x79, .. LabelFor(label).ReadOnlySpan, .. IdentityPubKey(aikModulus)];
        using RSA aik = RSA.Create(new RSAParameters { Modulus = aikModulus.ToArray(), Exponent = [1, 0, 1] });
        return aik.VerifyData(contents, binding.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
    }

    /// <summary>
    /// A credential for the key, in two parts: TPM_SYM_CA_ATTESTATION, and the session key of it, which only the TPM with that endorsement key
    /// releases, to the identity key that it is for.
    /// </summary>
    /// <param name="aikModulus">What is certified.</param>
    /// <param name="ekModulus">Whom it is for.</param>
    /// <param name="pcrInfo">TPM_PCR_INFO_SHORT that the release is bound to, as TPM_EK_BLOB has it; null has the older TPM_ASYM_CA_CONTENTS.</param>
    public (byte[] AsymBlob, byte[] SymBlob) Issue(ReadOnlyMemory<byte> aikModulus, ReadOnlyMemory<byte> ekModulus, byte[]? pcrInfo = null)
    {
        using RSA aik = RSA.Create(new RSAParameters { Modulus = aikModulus.ToArray(), Exponent = [1, 0, 1] });
        var request = new CertificateRequest("CN=Identity", aik, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 credential = request.Create(_certificate, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1), [1, 2, 3]);

        using var session = Aes.Create();
        session.KeySize = 128;
        byte[] encrypted = session.EncryptCbc(credential.RawData, session.IV);
        byte[] size = BitConverter.GetBytes(encrypted.Length).Reverse().ToArray();
        // TPM_KEY_PARMS of TPM_ALG_AES128 in CBC: key length, block size, initialization vector.
        byte[] symBlob =
        [
            .. size, 0, 0, 0, 6, 0, 0xFF, 0, 1, 0, 0, 0, 28, 0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 16, .. session.IV, .. encrypted,
        ];
        byte[] digest = SHA1.HashData(IdentityPubKey(aikModulus));
        byte[] sessionKey = [0, 0, 0, 6, 0, 0xFF, 0, 16, .. session.Key];
        byte[] contents = [.. sessionKey, .. digest];
        if (pcrInfo is not null)
        {
            byte[] activate = [0, 0x2B, .. contents, .. pcrInfo];
            contents = [0, 0x0C, 0, 1, 0, 0, 0, (byte)activate.Length, .. activate];
        }

        return (Oaep.Encrypt(ekModulus.ToArray(), contents), symBlob);
    }

    /// <summary>Decrypts a credential with what the TPM has released, and verifies that this CA has made it.</summary>
    public X509Certificate2 Open(byte[] symBlob, TpmSymmetricKey sessionKey)
    {
        using var session = Aes.Create();
        session.Key = sessionKey.Data.ToArray();
        X509Certificate2 credential = X509CertificateLoader.LoadCertificate(session.DecryptCbc(symBlob.AsSpan(44), symBlob.AsSpan(28, 16)));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (!chain.Build(credential)) throw new CryptographicException("the credential is not this CA's");
        return credential;
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    /// <summary>TPM_PUBKEY of an identity key: RSA, no encryption, RSASSA-PKCS1v15-SHA1.</summary>
    private static byte[] IdentityPubKey(ReadOnlyMemory<byte> modulus) => PubKey(modulus.Span);

    private static byte[] PubKey(ReadOnlySpan<byte> modulus) =>
        [0, 0, 0, 1, 0, 1, 0, 2, 0, 0, 0, 12, 0, 0, 8, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, .. modulus];
}
