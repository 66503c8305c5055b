using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Engine.Commands.TimingTicks;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.TimingTicks;

public class TickTests
{
    private const uint KeyHandle = 0x01000001;
    private static readonly byte[] KeyAuth = [.. Enumerable.Repeat((byte)0x11, 20)];

    [Fact]
    public void GetTicks_Action2_TimePasses_CountsItInItsOwnUnit()
    {
        var tpm = new TestTpm();
        Assert.Equal(0ul, tpm.Send(new GetTicks(), default).CurrentTime.CurrentTicks);
        tpm.Time.Advance(TimeSpan.FromSeconds(2.5));
        TpmCurrentTicks ticks = tpm.Send(new GetTicks(), default).CurrentTime;
        Assert.Equal(2_500_000ul, ticks.CurrentTicks * ticks.TickRate);
    }

    [Fact]
    public void GetTicks_PowerCycle_BeginsAnotherSession()
    {
        var tpm = new TestTpm();
        tpm.Time.Advance(TimeSpan.FromSeconds(1));
        TpmNonce before = tpm.Send(new GetTicks(), default).CurrentTime.TickNonce;
        Assert.NotEqual(default, before);
        Assert.Equal(before, tpm.Send(new GetTicks(), default).CurrentTime.TickNonce);
        tpm.PowerCycle();
        TpmCurrentTicks after = tpm.Send(new GetTicks(), default).CurrentTime;
        Assert.NotEqual(before, after.TickNonce);
        Assert.Equal(0ul, after.CurrentTicks);
    }

    [Theory]
    [InlineData(TpmKeyUsage.Signing, TpmSigScheme.RsaSsaPkcs1V15Sha1)]
    [InlineData(TpmKeyUsage.Signing, TpmSigScheme.RsaSsaPkcs1V15Info)]
    [InlineData(TpmKeyUsage.Identity, TpmSigScheme.RsaSsaPkcs1V15Sha1)]
    [InlineData(TpmKeyUsage.Legacy, TpmSigScheme.RsaSsaPkcs1V15Sha1)]
    public void TickStampBlob_Actions6To8_SignsDigestAndTicks(TpmKeyUsage usage, TpmSigScheme scheme)
    {
        TestTpm tpm = WithKey(usage, scheme);
        tpm.Time.Advance(TimeSpan.FromMilliseconds(7));
        byte[] stamped = SHA1.HashData("blob"u8);
        TpmNonce replay = tpm.NewNonce();
        var request = new TickStampBlobRequest { KeyHandle = KeyHandle, AntiReplay = replay, DigestToStamp = new TpmDigest(stamped) };
        TickStampBlobResponse response = tpm.Send(new TickStampBlob(), request, tpm.Oiap(KeyAuth));
        Assert.Equal(7_000ul, response.CurrentTicks.CurrentTicks);

        byte[] ticks = new byte[32];
        BinaryPrimitives.WriteUInt16BigEndian(ticks, 0x0014);
        BinaryPrimitives.WriteUInt64BigEndian(ticks.AsSpan(2), response.CurrentTicks.CurrentTicks);
        BinaryPrimitives.WriteUInt16BigEndian(ticks.AsSpan(10), response.CurrentTicks.TickRate);
        response.CurrentTicks.TickNonce.ReadOnlySpan.CopyTo(ticks.AsSpan(12));
        byte[] signInfo = [0, 5, .. "TSTP"u8, .. replay.ReadOnlySpan, 0, 0, 0, 52, .. stamped, .. ticks];
        using var rsa = RSA.Create(new RSAParameters
        {
            Modulus = tpm.State.Keys.Find(KeyHandle)!.Key.PubKey.Key.ToArray(),
            Exponent = [1, 0, 1],
        });
        Assert.True(rsa.VerifyData(signInfo, response.Sig.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void TickStampBlob_Action1_WrongSecretOrNone_AuthFail()
    {
        TestTpm tpm = WithKey(TpmKeyUsage.Signing, TpmSigScheme.RsaSsaPkcs1V15Sha1);
        var request = new TickStampBlobRequest { KeyHandle = KeyHandle };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new TickStampBlob(), request, tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new TickStampBlob(), request));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Storage)]
    [InlineData(TpmKeyUsage.Bind)]
    public void TickStampBlob_Action2_KeyForNoSignatures_InvalidKeyUsage(TpmKeyUsage usage)
    {
        TestTpm tpm = WithKey(usage, TpmSigScheme.None);
        Assert.Equal(TpmResult.InvalidKeyUsage, tpm.ResultOf(new TickStampBlob(), new TickStampBlobRequest { KeyHandle = KeyHandle }, tpm.Oiap(KeyAuth)));
    }

    [Fact]
    public void TickStampBlob_Action3_DerScheme_InappropriateSig()
    {
        TestTpm tpm = WithKey(TpmKeyUsage.Signing, TpmSigScheme.RsaSsaPkcs1V15Der);
        Assert.Equal(TpmResult.InappropriateSig, tpm.ResultOf(new TickStampBlob(), new TickStampBlobRequest { KeyHandle = KeyHandle }, tpm.Oiap(KeyAuth)));
    }

    /// <summary>An owned TPM with a key in a slot, put there without the commands that make and load one.</summary>
    private static TestTpm WithKey(TpmKeyUsage usage, TpmSigScheme scheme)
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        TpmRsaKeyPair pair = new FixedRsa().Generate(2048);
        var key = new TpmKey
        {
            Ver = TpmKey.Version11,
            KeyUsage = usage,
            AuthDataUsage = TpmAuthDataUsage.Always,
            AlgorithmParms = KeyParameters.Rsa(2048, TpmEncScheme.None, scheme),
            PubKey = new TpmStorePubKey { Key = pair.Modulus },
        };
        var loaded = new LoadedKey
        {
            Handle = KeyHandle,
            Key = key,
            UsageAuth = new Secret(KeyAuth),
            MigrationAuth = new Secret(KeyAuth),
            Payload = TpmPayloadType.Asym,
            Prime = pair.Prime,
            Rsa = pair.Key,
            PubDataDigest = key.PubDataDigest(),
        };
        tpm.State = tpm.State with { Keys = tpm.State.Keys.Add(loaded) };
        return tpm;
    }
}
