using System.Security.Cryptography;
using Vtpm.TestKit;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Client.Tests.Tpm2;

/// <summary>The client of TPM 2.0 against a TPM 2.0 that nobody here has made.</summary>
public sealed class Tpm2ClientTests : IDisposable
{
    private readonly Swtpm _swtpm = new(isTpm2: true);
    private readonly Tpm2Client _tpm;
    private readonly Tpm2AuthValue _none = Tpm2AuthValue.Empty();

    public Tpm2ClientTests() => _tpm = new Tpm2Client(TpmConnection.Open(TpmAddress.Unix(_swtpm.SocketPath)));

    public void Dispose()
    {
        _tpm.Dispose();
        _none.Dispose();
        _swtpm.Dispose();
    }

    [Theory]
    [InlineData(TpmAlgId.Ecc)]
    [InlineData(TpmAlgId.Rsa)]
    public void Seal_ByAPolicyOfPcrs_OpensWithThem(TpmAlgId type)
    {
        Tpm2Key parent = CreatePrimary(type);
        byte[] secret = RandomNumberGenerator.GetBytes(84);
        byte[] composite = SHA1.HashData(_tpm.PcrRead(TpmAlgId.Sha256, 0x0E00FF).SelectMany(value => value).ToArray());
        byte[] policy = SHA1.HashData((byte[])[.. new byte[20], 0, 0, 1, 0x7F, 0, 0, 0, 1, 0, 0x0B, 3, 0xFF, 0x00, 0x0E, .. composite]);
        TpmtPublic template = TpmtPublic.SealedData(TpmAlgId.Sha1, policy);
        byte[] sealedPart;
        TpmtPublic area;
        using (Tpm2Session session = _tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, parent))
        {
            (sealedPart, area, TpmsCreationData creation) = _tpm.Create(parent, session, _none, template, secret, TpmlPcrSelection.Of(TpmAlgId.Sha256, 0x0E00FF));
            Assert.Equal(composite, creation.PcrDigest.ToArray());
        }

        Assert.Equal(186, sealedPart.Length);
        Tpm2Entity item;
        using (Tpm2Session session = _tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, parent)) item = _tpm.Load(parent, session, _none, sealedPart, area);
        using (Tpm2Session session = _tpm.StartAuthSession(TpmSe.Policy, TpmAlgId.Sha1, parent))
        {
            _tpm.PolicyPcr(session, TpmAlgId.Sha256, 0x0E00FF);
            Assert.Equal(secret, _tpm.Unseal(item, session));
        }

        _tpm.FlushContext(item.Handle);
        _tpm.FlushContext(parent.Entity.Handle);
        Assert.Empty(_tpm.GetHandles(TpmRh.TransientFirst));
        Assert.Empty(_tpm.GetHandles(TpmRh.LoadedSessionFirst));
    }

    private Tpm2Key CreatePrimary(TpmAlgId type)
    {
        using Tpm2Session session = _tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, null);
        return _tpm.CreatePrimary(type == TpmAlgId.Ecc ? TpmtPublic.EccStorageKey : TpmtPublic.RsaStorageKey, session, _none, _none);
    }
}
