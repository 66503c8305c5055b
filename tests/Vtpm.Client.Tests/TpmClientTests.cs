using System.Security.Cryptography;
using Vtpm.Client.Tests.Support;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>The commands against two TPMs: our engine, and one that nobody here has made.</summary>
public class TpmClientTests
{
    private static readonly TpmDigest Measurement = TpmDigest.Of("measured"u8);

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void TakeOwnership_OfAFreshTpm_SetsBothSecretsAndTheKeysCanBeRead(HardwareKind kind)
    {
        using var hardware = TestHardware.Create(kind);
        using var tpm = new TpmClient(hardware.Connect());
        using TpmSecret owner = TpmSecret.Parse("text:owner");
        using TpmSecret srk = TpmSecret.Random();
        Assert.Equal(TpmResult.NoEndorsement, Assert.Throws<TpmCommandException>(() => tpm.ReadPubek()).Result);
        TpmPubKey ek = tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey);
        Assert.Equal(WireFormat.ToBytes(ek), WireFormat.ToBytes(tpm.ReadPubek()));

        TpmKey root = tpm.TakeOwnership(ek, owner, srk, TpmKeys.StorageRootKey);

        using (TpmSession session = tpm.Oiap(owner)) Assert.Equal(WireFormat.ToBytes(ek), WireFormat.ToBytes(tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session)));
        using (TpmSession session = tpm.Oiap(owner)) Assert.Equal(root.PubKey.Key.ToArray(), tpm.OwnerReadInternalPub(TpmKeyHandle.Srk, session).PubKey.Key.ToArray());
        using (TpmSession session = tpm.Oiap(owner)) tpm.DisablePubekRead(session);
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => tpm.ReadPubek()).Result);
        using (TpmSession session = tpm.Oiap(srk)) tpm.GetPubKey(Make(tpm, TpmKeys.Storage(TpmKeyFlags.None), srk, srk), session);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Seal_ToPcrs_OpensWithThemAndNotAfterAnExtend(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        TpmClient tpm = owned.Tpm;
        byte[] info = WireFormat.ToBytes(new TpmPcrInfoLong
        {
            LocalityAtCreation = TpmLocalitySelection.Zero,
            LocalityAtRelease = TpmLocalitySelection.Zero,
            CreationPcrSelection = TpmPcrSelection.Of(10),
            ReleasePcrSelection = TpmPcrSelection.Of(10),
            DigestAtRelease = WireFormat.Digest(new TpmPcrComposite { Select = TpmPcrSelection.Of(10), PcrValue = tpm.PcrRead(10).ReadOnlySpan.ToArray() }),
        });
        using TpmSecret data = TpmSecret.Random();

        TpmStoredData blob;
        using (TpmSession session = tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, owned.Srk)) blob = tpm.Seal(TpmKeyHandle.Srk, session, data, info, "a secret"u8);

        Assert.Equal("a secret"u8.ToArray(), Unseal(data));
        using (TpmSecret other = TpmSecret.Random()) Assert.Equal(TpmResult.Auth2Fail, Assert.Throws<TpmCommandException>(() => Unseal(other)).Result);
        tpm.Extend(10, Measurement);
        Assert.Equal(TpmResult.WrongPcrVal, Assert.Throws<TpmCommandException>(() => Unseal(data)).Result);

        byte[] Unseal(TpmSecret secret)
        {
            using TpmSession parent = tpm.Oiap(owned.Srk);
            using TpmSession entity = tpm.Oiap(secret);
            return tpm.Unseal(TpmKeyHandle.Srk, parent, entity, blob);
        }
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void CreateWrapKey_ForSigning_SignsAndQuotesSoThatTheBaseLibraryAgrees(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        TpmClient tpm = owned.Tpm;
        using TpmSecret secret = TpmSecret.Random();
        uint key = Make(tpm, TpmKeys.Signing(TpmKeyFlags.None), owned.Srk, secret);
        TpmPubKey pub;
        using (TpmSession session = tpm.Oiap(secret)) pub = tpm.GetPubKey(key, session);
        using RSA rsa = RSA.Create(new RSAParameters { Modulus = pub.PubKey.Key.ToArray(), Exponent = [1, 0, 1] });

        byte[] signature;
        using (TpmSession session = tpm.Oiap(secret)) signature = tpm.Sign(key, session, Measurement.ReadOnlySpan);
        Assert.True(rsa.VerifyHash(Measurement.ReadOnlySpan, signature, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));

        var nonce = new TpmNonce(RandomNumberGenerator.GetBytes(TpmNonce.Size));
        TpmPcrComposite pcrs;
        using (TpmSession session = tpm.Oiap(secret)) (pcrs, signature) = tpm.Quote(key, session, nonce, TpmPcrSelection.Of(0, 16));
        Assert.Equal((byte[])[.. tpm.PcrRead(0).ReadOnlySpan, .. tpm.PcrRead(16).ReadOnlySpan], pcrs.PcrValue.ToArray());
        byte[] quoted = WireFormat.ToBytes(new TpmQuoteInfo { DigestValue = WireFormat.Digest(pcrs), ExternalData = nonce });
        Assert.True(rsa.VerifyData(quoted, signature, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));

        tpm.FlushSpecific(key, TpmResourceType.Key);
        Assert.DoesNotContain(key, tpm.GetHandles(TpmResourceType.Key));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void MakeIdentity_ByTheOwner_GivesAKeyThatVouchesForItself(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        TpmClient tpm = owned.Tpm;
        using TpmSecret secret = TpmSecret.Random();
        TpmKey identity;
        byte[] binding;
        using (TpmSession srk = tpm.Oiap(owned.Srk))
        using (TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, owned.Owner))
            (identity, binding) = tpm.MakeIdentity(srk, owner, secret, Measurement, TpmKeys.Identity);

        using RSA rsa = RSA.Create(new RSAParameters { Modulus = identity.PubKey.Key.ToArray(), Exponent = [1, 0, 1] });
        byte[] contents = WireFormat.ToBytes(new TpmIdentityContents { LabelPrivCADigest = Measurement, IdentityPubKey = identity.ToPubKey() });
        Assert.True(rsa.VerifyData(contents, binding, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
        uint handle;
        using (TpmSession srk = tpm.Oiap(owned.Srk)) handle = tpm.LoadKey(TpmKeyHandle.Srk, srk, identity);
        using (TpmSession session = tpm.Oiap(secret)) Assert.Equal(256, tpm.Quote(handle, session, default, TpmPcrSelection.Of(0)).Signature.Length);
        tpm.EvictKey(handle);
        Assert.Empty(tpm.GetHandles(TpmResourceType.Key));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void CheapCommands_OnAStartedTpm_AnswerAsTheSpecificationSays(HardwareKind kind)
    {
        using var hardware = TestHardware.Create(kind);
        using var tpm = new TpmClient(hardware.Connect());
        Assert.Equal((1, 2), (tpm.GetVersion().Version.Major, tpm.GetVersion().Version.Minor));
        Assert.Equal(24u, tpm.GetProperty(TpmCapabilityProperty.Pcr));
        Assert.NotEqual(tpm.GetRandom(20), tpm.GetRandom(20));
        tpm.StirRandom("stirred"u8);
        Assert.True(tpm.GetTicks().CurrentTicks <= tpm.GetTicks().CurrentTicks);
        TpmDigest extended = tpm.Extend(16, Measurement);
        Assert.Equal(TpmDigest.Of((byte[])[.. new byte[20], .. Measurement.ReadOnlySpan]), extended);
        tpm.PcrReset(TpmPcrSelection.Of(16));
        Assert.Equal(default, tpm.PcrRead(16));
        tpm.ContinueSelfTest();
        tpm.SelfTestFull();
        Assert.Equal(TpmResult.InvalidPostInit, Assert.Throws<TpmCommandException>(() => tpm.Startup(TpmStartupType.Clear)).Result);
        Assert.Equal(TpmResult.BadIndex, Assert.Throws<TpmCommandException>(() => tpm.PcrRead(24)).Result);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Session_ThatContinues_AuthorizesSeveralCommandsAndIsEndedByDispose(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        TpmClient tpm = owned.Tpm;
        using (TpmSession session = tpm.Oiap(owned.Owner))
        {
            session.Continue = true;
            for (int i = 0; i < 3; i++) tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session);
            Assert.True(session.IsOpen);
            Assert.Contains(session.Handle, tpm.GetHandles(TpmResourceType.Auth));
        }

        Assert.Empty(tpm.GetHandles(TpmResourceType.Auth));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Session_AfterAFailure_LeavesNothingInTheTpm(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        using TpmSecret wrong = TpmSecret.Random();
        using (TpmSession session = owned.Tpm.Oiap(wrong))
        {
            Assert.Equal(TpmResult.AuthFail, Assert.Throws<TpmCommandException>(() => owned.Tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session)).Result);
            Assert.False(session.IsOpen);
            Assert.Throws<InvalidOperationException>(() => owned.Tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session));
        }

        Assert.Empty(owned.Tpm.GetHandles(TpmResourceType.Auth));
    }

    private static uint Make(TpmClient tpm, TpmKey template, TpmSecret srk, TpmSecret secret)
    {
        TpmKey key;
        using (TpmSession session = tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, srk)) key = tpm.CreateWrapKey(TpmKeyHandle.Srk, session, secret, secret, template);
        using TpmSession parent = tpm.Oiap(srk);
        return tpm.LoadKey2(TpmKeyHandle.Srk, parent, key);
    }
}
