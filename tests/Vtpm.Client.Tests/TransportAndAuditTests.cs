using System.Security.Cryptography;
using Vtpm.Client.Tests.Support;
using Vtpm.Engine.Commands.Auditing;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>
/// Transport sessions and auditing, the same on both TPMs: what is encrypted, authorized, logged, signed and audited is worked out by the test alone, so
/// that swtpm vouches for the test, and the test for the engine.
/// </summary>
public class TransportAndAuditTests
{
    private static readonly (TpmAlgorithmId Algorithm, TpmEncScheme Scheme)[] Ciphers =
        [(TpmAlgorithmId.Mgf1, TpmEncScheme.None), (TpmAlgorithmId.Aes128, TpmEncScheme.SymCtr), (TpmAlgorithmId.Aes128, TpmEncScheme.SymOfb)];

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Transport_WholeSession_IsEncryptedAuthorizedLoggedAndSignedAsWorkedOut(HardwareKind kind)
    {
        using var tpm = new RawTpm(kind);
        uint sign = LoadSigningKey(tpm, out ReadOnlyMemory<byte> modulus);
        foreach (TpmTransportAttributes attributes in (TpmTransportAttributes[])[TpmTransportAttributes.Log, TpmTransportAttributes.Log | TpmTransportAttributes.Encrypt])
        {
            foreach ((TpmAlgorithmId algorithm, TpmEncScheme scheme) in Ciphers)
            {
                TestAuth first = tpm.Oiap(TestTpm.KeyAuth), last = tpm.Oiap(TestTpm.KeyAuth);
                TestTransport transport = tpm.Establish(TestTpm.Transport(attributes, algorithm, scheme));
                Use(tpm, transport, sign, modulus, first);
                Release(tpm, transport, sign, modulus, last);
            }
        }
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Transport_Refusals_HaveTheSameCodes(HardwareKind kind)
    {
        using var tpm = new RawTpm(kind);
        TestTransport Plain() => tpm.Establish(TestTpm.Transport(TpmTransportAttributes.None), inTheClear: true);
        var request = new EstablishTransportRequest { EncHandle = TpmKeyHandle.Transport, TransPublic = TestTpm.Transport(TpmTransportAttributes.None), Secret = new byte[20] };
        Assert.Equal(TpmResult.BadTag, tpm.Send(new EstablishTransport(), request, out _, tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.BadScheme, tpm.Send(new EstablishTransport(), request with { TransPublic = TestTpm.Transport(TpmTransportAttributes.Encrypt) }, out _));
        Assert.Equal(TpmResult.BadParamSize, tpm.Send(new EstablishTransport(), request with { Secret = new byte[19] }, out _));
        Assert.Equal(TpmResult.NoWrapTransport, tpm.Wrapped(Plain(), new EstablishTransport(), request, out _).Outer);
        Assert.Equal((TpmResult.Success, TpmResult.BadIndex), tpm.Wrapped(Plain(), new PcrRead(), new PcrReadRequest { PcrIndex = 99 }, out _));

        TestTransport transport = Plain();
        byte[] replayed = transport.Wrap(TestTpm.Request(new PcrRead(), default), 0, default, RawTpm.NewNonce());
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(tpm.Exchange(replayed)));
        // Part 3 §24.2 action 7c has TPM_AUTHFAIL (docs/differences.md).
        Assert.Equal(kind == HardwareKind.Engine ? TpmResult.AuthFail : TpmResult.Auth2Fail, TestTpm.ResultOf(tpm.Exchange(replayed)));
        Assert.Equal(TpmResult.InvalidAuthHandle, tpm.Wrapped(transport, new PcrRead(), default, out _).Outer);

        // An exclusive session ends with any other command; one that is to end ends.
        TestTransport exclusive = tpm.Establish(TestTpm.Transport(TpmTransportAttributes.Exclusive), inTheClear: true);
        Assert.Equal((TpmResult.Success, TpmResult.Success), tpm.Wrapped(exclusive, new PcrRead(), default, out _));
        tpm.Oiap([]);
        Assert.Equal(TpmResult.InvalidAuthHandle, tpm.Wrapped(exclusive, new PcrRead(), default, out _).Outer);
        transport = Plain();
        transport.Continue = false;
        Assert.Equal((TpmResult.Success, TpmResult.Success), tpm.Wrapped(transport, new PcrRead(), default, out _));
        Assert.Equal(TpmResult.InvalidAuthHandle, tpm.Wrapped(transport, new PcrRead(), default, out _).Outer);

        uint sign = LoadSigningKey(tpm, out _);
        var release = new ReleaseTransportSignedRequest { KeyHandle = sign };
        Assert.Equal(TpmResult.BadMode, tpm.Send(new ReleaseTransportSigned(), release, out _, tpm.Oiap(TestTpm.KeyAuth), Auth(Plain())));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Audit_DigestCounterAndList_AreAsWorkedOut(HardwareKind kind)
    {
        using var tpm = new RawTpm(kind);
        Assert.Equal(TpmResult.Success, Audit(tpm, TpmOrdinal.Extend, true));
        Assert.Equal(TpmResult.Success, tpm.Send(new GetAuditDigest(), default, out GetAuditDigestResponse before));
        TpmDigest measured = new(SHA1.HashData("measured"u8));
        Assert.Equal(TpmResult.Success, tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = measured }, out ExtendResponse extended));
        Assert.Equal(TpmResult.Success, tpm.Send(new GetAuditDigest(), default, out GetAuditDigestResponse after));
        byte[] input = SHA1.HashData((byte[])[0, 0, 0, 0x14, 0, 0, 0, 9, .. measured.ReadOnlySpan]);
        byte[] output = SHA1.HashData((byte[])[0, 0, 0, 0, 0, 0, 0, 0x14, .. extended.OutDigest.ReadOnlySpan]);
        TpmDigest expected = Extended(Extended(before.AuditDigest, 0x12, input, before.CounterValue), 0x13, output, before.CounterValue);
        Assert.Equal((expected, before.CounterValue.Counter), (after.AuditDigest, after.CounterValue.Counter));
        Assert.Contains((uint)TpmOrdinal.Extend, Ordinals(after));
        Assert.Equal(TpmResult.BadParameter, Audit(tpm, TpmOrdinal.GetAuditDigest, true));

        uint sign = LoadSigningKey(tpm, out ReadOnlyMemory<byte> modulus);
        var request = new GetAuditDigestSignedRequest { KeyHandle = sign, AntiReplay = RawTpm.NewNonce() };
        Assert.Equal(TpmResult.Success, tpm.Send(new GetAuditDigestSigned(), request, out GetAuditDigestSignedResponse signed, tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(SHA1.HashData(after.OrdList.Span), signed.OrdinalDigest.ReadOnlySpan);
        byte[] data = [.. signed.AuditDigest.ReadOnlySpan, .. WireFormat.ToBytes(signed.CounterValue), .. signed.OrdinalDigest.ReadOnlySpan];
        Verify(modulus, [0, 5, .. "ADIG"u8, .. request.AntiReplay.ReadOnlySpan, 0, 0, 0, (byte)data.Length, .. data], signed.Sig);
        Assert.Equal(TpmResult.InvalidKeyUsage, tpm.Send(new GetAuditDigestSigned(), request with { CloseAudit = true }, out _, tpm.Oiap(TestTpm.KeyAuth)));
    }

    /// <summary>Commands without and with handles and authorization, one that opens a session, and one that fails.</summary>
    private static void Use(RawTpm tpm, TestTransport transport, uint sign, ReadOnlyMemory<byte> modulus, TestAuth auth)
    {
        (TpmResult, TpmResult) success = (TpmResult.Success, TpmResult.Success);
        Assert.Equal(success, tpm.Wrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 3 }, out PcrReadResponse pcr));
        Assert.Equal(default, pcr.OutDigest);
        Assert.Equal(success, tpm.Wrapped(transport, new GetRandom(), new GetRandomRequest { BytesRequested = 40 }, out GetRandomResponse random));
        Assert.Equal(40, random.RandomBytes.Length);
        Assert.Equal((TpmResult.Success, TpmResult.BadIndex), tpm.Wrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 99 }, out _));
        Assert.Equal(success, tpm.Wrapped(transport, new Oiap(), default, out OiapResponse oiap));
        var flush = new FlushSpecificRequest { Handle = oiap.AuthHandle, ResourceType = TpmResourceType.Auth };
        Assert.Equal(success, tpm.Wrapped(transport, new FlushSpecific(), flush, out _));
        byte[] keyDigest = SHA1.HashData((byte[])[.. TestTpm.BigEndian((uint)modulus.Length), .. modulus.Span]);
        var request = new SignRequest { KeyHandle = sign, AreaToSign = SHA1.HashData("area"u8) };
        Assert.Equal(success, tpm.Wrapped(transport, new Sign(), request, out SignResponse signed, new TpmDigest(SHA1.HashData(keyDigest)), auth));
        Verify(modulus, "area"u8.ToArray(), signed.Sig);
    }

    private static void Release(RawTpm tpm, TestTransport transport, uint sign, ReadOnlyMemory<byte> modulus, TestAuth key)
    {
        var request = new ReleaseTransportSignedRequest { KeyHandle = sign, AntiReplay = RawTpm.NewNonce() };
        TpmResult result = tpm.Send(new ReleaseTransportSigned(), request, out ReleaseTransportSignedResponse response, key, Auth(transport));
        Assert.Equal(TpmResult.Success, result);
        byte[] parameters = SHA1.HashData((byte[])[0, 0, 0, 0xE8, .. request.AntiReplay.ReadOnlySpan]);
        transport.Log(new TpmTransportLogOut { Parameters = new TpmDigest(parameters), CurrentTicks = response.CurrentTicks, Locality = response.Locality });
        Verify(modulus, [0, 5, .. "TRAN"u8, .. request.AntiReplay.ReadOnlySpan, 0, 0, 0, 20, .. transport.Digest.ReadOnlySpan], response.Signature);
    }

    private static TestAuth Auth(TestTransport transport) =>
        new() { Handle = transport.Handle, NonceEven = transport.NonceEven, NonceOdd = RawTpm.NewNonce(), Key = transport.AuthData };

    private static uint LoadSigningKey(RawTpm tpm, out ReadOnlyMemory<byte> modulus)
    {
        using TpmSecret usage = new(TestTpm.KeyAuth);
        TpmKey key;
        using (TpmSession parent = tpm.Client.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, tpm.Srk))
            key = tpm.Client.CreateWrapKey(TpmKeyHandle.Srk, parent, usage, usage, TpmKeys.Signing(TpmKeyFlags.None));
        modulus = key.PubKey.Key;
        using TpmSession srk = tpm.Client.Oiap(tpm.Srk);
        return tpm.Client.LoadKey2(TpmKeyHandle.Srk, srk, key);
    }

    private static TpmResult Audit(RawTpm tpm, TpmOrdinal ordinal, bool state) => tpm.Send(
        new SetOrdinalAuditStatus(), new SetOrdinalAuditStatusRequest { OrdinalToAudit = ordinal, AuditState = state }, out _, tpm.Oiap(RawTpm.Owner));

    private static void Verify(ReadOnlyMemory<byte> modulus, byte[] signed, ReadOnlyMemory<byte> signature)
    {
        using var rsa = RSA.Create(new RSAParameters { Modulus = modulus.ToArray(), Exponent = [1, 0, 1] });
        Assert.True(rsa.VerifyData(signed, signature.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1), "the signature is of something else");
    }

    private static uint[] Ordinals(in GetAuditDigestResponse response) =>
        [.. response.OrdList.ToArray().Chunk(4).Select(bytes => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes))];

    private static TpmDigest Extended(TpmDigest auditDigest, byte tag, byte[] parms, TpmCounterValue count) => new(SHA1.HashData(
        (byte[])[.. auditDigest.ReadOnlySpan, 0, tag, .. parms, 0, 0x0E, 0, 0, 0, 0, .. TestTpm.BigEndian(count.Counter)]));
}
