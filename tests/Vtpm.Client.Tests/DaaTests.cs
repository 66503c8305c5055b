using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client.Tests.Support;
using Vtpm.Engine.Commands.Daa;
using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>
/// Whole runs of direct anonymous attestation with an issuer and a verifier that share no code with either TPM: our engine, and one that nobody here has
/// made, which shows that issuer and verifier are right.
/// </summary>
public class DaaTests
{
    private static readonly byte[] Nonce = SHA1.HashData("nonce"u8);
    private static readonly byte[] Message = SHA1.HashData("message"u8);

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void JoinAndSign_OfAMessage_VerifiesAndForNothingElse(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        DaaHost host = Host(owned);
        DaaCredential credential = host.Join(EndorsementKey(owned), count: 7);
        DaaSignature signature = host.Sign(credential, Nonce, 1, Message);
        Assert.True(DaaVerifier.Verify(TestTpm.Issuer, signature, Nonce, 1, Message));
        Assert.False(DaaVerifier.Verify(TestTpm.Issuer, signature, Nonce, 1, Nonce));
        Assert.False(DaaVerifier.Verify(TestTpm.Issuer, signature with { Sv = signature.Sv + 1 }, Nonce, 1, Message));
    }

    /// <summary>The same TPM has the same pseudonym with an issuer, whatever keys that uses by now, until it is given another count.</summary>
    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Join_AgainWithTheSameCount_IsTheSamePseudonym(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        DaaHost host = Host(owned);
        TpmPubKey ek = EndorsementKey(owned);
        DaaCredential first = host.Join(ek, count: 1);
        Assert.Equal(first.Pseudonym, host.Join(ek, count: 1, chain: 1).Pseudonym);
        Assert.NotEqual(first.Pseudonym, host.Join(ek, count: 2).Pseudonym);
        Assert.Equal(first.Pseudonym, host.Sign(first, Nonce, 1, Message).K);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Sign_OfAnIdentityKey_VerifiesForItsModulus(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        DaaHost host = Host(owned);
        DaaCredential credential = host.Join(EndorsementKey(owned), count: 0);
        (uint handle, byte[] modulus) = LoadIdentity(owned);
        DaaSignature signature = host.Sign(credential, Nonce, 0, TestTpm.BigEndian(handle));
        Assert.True(DaaVerifier.Verify(TestTpm.Issuer, signature, Nonce, 0, modulus));
    }

    private static DaaHost Host(OwnedTpm owned) => new(TestTpm.Issuer, (ordinal, handle, stage, inputData0, inputData1) =>
    {
        DaaCommand command = ordinal == TpmOrdinal.DaaJoin ? new DaaJoin() : new DaaSign();
        var request = new DaaRequest { Handle = handle, Stage = (byte)stage, InputData0 = inputData0, InputData1 = inputData1 };
        byte[] oiap = Transmit(owned, Convert.FromHexString("00c10000000a0000000a"));
        var auth = new TestAuth
        {
            Handle = BinaryPrimitives.ReadUInt32BigEndian(oiap.AsSpan(10)),
            NonceEven = new TpmNonce(oiap.AsSpan(14)),
            Key = owned.Owner.Span.ToArray(),
        };
        byte[] response = Transmit(owned, TestTpm.Request(command, request, auth));
        int length = BinaryPrimitives.ReadInt32BigEndian(response.AsSpan(10));
        return response[14..(14 + length)];
    });

    private static byte[] Transmit(OwnedTpm owned, byte[] request)
    {
        byte[] response = new byte[4096];
        int length = owned.Tpm.Transmit(request, response, out TpmResult result);
        return result == TpmResult.Success ? response[..length] : throw new TpmErrorException((TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(6)), result);
    }

    private static (uint Handle, byte[] Modulus) LoadIdentity(OwnedTpm owned)
    {
        using TpmSession srk = owned.Tpm.Oiap(owned.Srk), owner = owned.Tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, owned.Owner);
        TpmKey identity = owned.Tpm.MakeIdentity(srk, owner, owned.Srk, default, TpmKeys.Identity).IdKey;
        using TpmSession parent = owned.Tpm.Oiap(owned.Srk);
        return (owned.Tpm.LoadKey2(TpmKeyHandle.Srk, parent, identity), identity.PubKey.Key.ToArray());
    }

    private static TpmPubKey EndorsementKey(OwnedTpm owned)
    {
        using TpmSession session = owned.Tpm.Oiap(owned.Owner);
        return owned.Tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session);
    }
}
