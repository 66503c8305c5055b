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

    /// <summary>The same TPM has the same pseudonym with an issuer, whatever keys that uses by now.</summary>
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

    /// <summary>Stage by stage, what is refused, and that the session ends with it.</summary>
    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void JoinAndSign_InputThatDoesNotFit_IsRefusedAlike(HardwareKind kind)
    {
        using var owned = new OwnedTpm(kind);
        TpmPubKey ek = EndorsementKey(owned);
        byte[][] outputs = Run(owned, TpmOrdinal.DaaJoin, 25, stage => DaaInput.Join(stage, ek), out _);
        var blobs = new DaaBlobs(outputs[24], outputs[22], outputs[23]);
        Assert.Empty(Differences(owned, TpmOrdinal.DaaJoin, DaaFault.OfJoin(ek), stage => DaaInput.Join(stage, ek)));
        Assert.Empty(Differences(owned, TpmOrdinal.DaaSign, DaaFault.OfSign(blobs), stage => DaaInput.Sign(stage, blobs)));
    }

    private static List<string> Differences(
        OwnedTpm owned, TpmOrdinal ordinal, IReadOnlyList<DaaFault> faults, Func<int, (byte[] InputData0, byte[] InputData1)> inputs)
    {
        List<string> differences = [];
        foreach (DaaFault fault in faults)
        {
            Run(owned, ordinal, fault.Stage, inputs, out uint handle);
            TpmResult result = ResultOf(owned, ordinal, handle, fault.Stage, fault.InputData0, fault.InputData1);
            if (result != fault.Result) differences.Add($"{ordinal} stage {fault.Stage}, {fault.Name}: {result} instead of {fault.Result}");
            TpmResult after = fault.Stage == 0 ? TpmResult.BadHandle : ResultOf(owned, ordinal, handle, fault.Stage, fault.InputData0, fault.InputData1);
            if (after != TpmResult.BadHandle) differences.Add($"{ordinal} stage {fault.Stage}, {fault.Name}: {after} afterwards");
        }

        return differences;
    }

    /// <summary>The outputs of the stages before one.</summary>
    private static byte[][] Run(OwnedTpm owned, TpmOrdinal ordinal, int end, Func<int, (byte[] InputData0, byte[] InputData1)> inputs, out uint handle)
    {
        handle = 0;
        byte[][] outputs = new byte[end][];
        for (int stage = 0; stage < end; stage++)
        {
            (byte[] inputData0, byte[] inputData1) = inputs(stage);
            outputs[stage] = Call(owned, ordinal, handle, stage, inputData0, inputData1);
            if (stage == 0) handle = BinaryPrimitives.ReadUInt32BigEndian(outputs[0]);
        }

        return outputs;
    }

    private static DaaHost Host(OwnedTpm owned) =>
        new(TestTpm.Issuer, (ordinal, handle, stage, inputData0, inputData1) => Call(owned, ordinal, handle, stage, inputData0, inputData1));

    private static TpmResult ResultOf(OwnedTpm owned, TpmOrdinal ordinal, uint handle, int stage, byte[] inputData0, byte[] inputData1)
    {
        try
        {
            Call(owned, ordinal, handle, stage, inputData0, inputData1);
            return TpmResult.Success;
        }
        catch (TpmErrorException exception)
        {
            return exception.Result;
        }
    }

    private static byte[] Call(OwnedTpm owned, TpmOrdinal ordinal, uint handle, int stage, byte[] inputData0, byte[] inputData1)
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
    }

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
