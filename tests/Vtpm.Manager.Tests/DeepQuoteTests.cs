using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>
/// A guest asks its vTPM, which asks its manager, which asks the hardware TPM; a verifier far away, who knows the group's public key and nothing else,
/// judges what comes back.
/// </summary>
public class DeepQuoteTests
{
    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");
    private static readonly TpmPcrSelection Hardware = TpmPcrSelection.Of(0, 17);

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void DeepQuote_OfAGuest_ConvincesAVerifierWithEveryFlag(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using var guest = new Guest(rig, Uuid);
        guest.TakeOwnership();
        guest.Tpm.Extend(10, TpmDigest.Of("the guest's kernel"u8));
        var verifier = new Verifier(rig);
        TpmPcrSelection virtualPcrs = TpmPcrSelection.Of(4, 10);
        byte[] virtualValues = [.. guest.Tpm.PcrRead(4).ReadOnlySpan, .. guest.Tpm.PcrRead(10).ReadOnlySpan];
        for (uint flags = 0; flags < 16; flags++)
        {
            TpmNonce nonce = NewNonce();
            using TpmSession owner = guest.Owner();
            VtpmGetQuoteResponse quote = guest.Tpm.DeepQuote(owner, nonce, virtualPcrs, Hardware, (VtpmQuoteFlags)flags);
            byte[] info = DeepQuoteInfo(nonce, [0x10, 0x04, 0], 0x01, virtualValues);
            Assert.True(verifier.Accepts(quote, flags, SHA1.HashData(info)), $"flags {flags}");
        }
    }

    /// <summary>Each of the things that a verifier relies on, changed: no signature is good for it any more.</summary>
    [Fact]
    public void DeepQuote_OfSomethingElse_ConvincesNobody()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using var guest = new Guest(rig, Uuid);
        guest.TakeOwnership();
        var verifier = new Verifier(rig);
        TpmNonce nonce = NewNonce();
        VtpmGetQuoteResponse quote;
        using (TpmSession owner = guest.Owner()) quote = guest.Tpm.DeepQuote(owner, nonce, TpmPcrSelection.Of(9), Hardware, VtpmQuoteFlags.HashUuid);

        Assert.True(verifier.Accepts(quote, 1, SHA1.HashData(DeepQuoteInfo(nonce, [0, 2, 0], 0x01, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(DeepQuoteInfo(NewNonce(), [0, 2, 0], 0x01, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(DeepQuoteInfo(nonce, [0, 1, 0], 0x01, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(DeepQuoteInfo(nonce, [0, 2, 0], 0x02, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(DeepQuoteInfo(nonce, [0, 2, 0], 0x01, [.. Enumerable.Repeat((byte)1, 20)]))));
        Assert.False(verifier.Accepts(quote, 2, SHA1.HashData(DeepQuoteInfo(nonce, [0, 2, 0], 0x01, new byte[20]))));
    }

    [Fact]
    public void DeepQuote_AtAnotherLocality_TellsIt()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using var guest = new Guest(rig, Uuid);
        guest.TakeOwnership();
        guest.Locality = 3;
        TpmNonce nonce = NewNonce();
        using TpmSession owner = guest.Owner();
        VtpmGetQuoteResponse quote = guest.Tpm.DeepQuote(owner, nonce, TpmPcrSelection.Of(9), Hardware, VtpmQuoteFlags.None);
        Assert.True(new Verifier(rig).Accepts(quote, 0, SHA1.HashData(DeepQuoteInfo(nonce, [0, 2, 0], 0x08, new byte[20]))));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void ParentSignEK_OfANewVtpm_ConvincesAVerifierUntilTheVtpmRestarts(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using var guest = new Guest(rig, Uuid);
        TpmPubKey ek = guest.TakeOwnership();
        TpmNonce nonce = NewNonce();
        VtpmGetQuoteResponse quote;
        using (TpmSession owner = guest.Owner()) quote = guest.Tpm.ParentSignEK(owner, nonce, Hardware);
        byte[] checksum = SHA1.HashData([.. WireFormat.ToBytes(ek), .. nonce.ReadOnlySpan]);
        Assert.True(new Verifier(rig).Accepts(quote, 0, checksum));

        guest.RestartVtpm();
        using TpmSession again = guest.Owner();
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => guest.Tpm.ParentSignEK(again, nonce, Hardware)).Result);
    }

    /// <summary>The new manager learns who asks before it is asked for a quote.</summary>
    [Fact]
    public void DeepQuote_ManagerWasRestarted_IsAnswered()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using var guest = new Guest(rig, Uuid);
        guest.TakeOwnership();
        guest.RestartManager();
        TpmNonce nonce = NewNonce();
        using TpmSession owner = guest.Owner();
        VtpmGetQuoteResponse quote = guest.Tpm.DeepQuote(owner, nonce, TpmPcrSelection.Of(9), Hardware, VtpmQuoteFlags.None);
        Assert.True(new Verifier(rig).Accepts(quote, 0, SHA1.HashData(DeepQuoteInfo(nonce, [0, 2, 0], 0x01, new byte[20]))));
    }

    [Fact]
    public void DeepQuote_ManagerIsGone_RetryAndTheVtpmGoesOn()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using var guest = new Guest(rig, Uuid);
        guest.TakeOwnership();
        guest.IsManagerGone = true;
        using (TpmSession owner = guest.Owner())
            Assert.Equal(TpmResult.Retry, ResultOf(guest, owner));
        guest.Tpm.Extend(10, TpmDigest.AllOnes);
        guest.IsManagerGone = false;
        using TpmSession again = guest.Owner();
        Assert.Equal(TpmResult.Success, ResultOf(guest, again));
    }

    [Fact]
    public void DeepQuote_FlagThatTheManagerDoesNotKnow_IsItsStatus()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using var guest = new Guest(rig, Uuid);
        guest.TakeOwnership();
        using TpmSession owner = guest.Owner();
        Assert.Equal(5u, (uint)ResultOf(guest, owner, (VtpmQuoteFlags)0x10));
    }

    [Fact]
    public void PassThrough_OfTheFirstVtpm_ReachesManagementAndTheHardware()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using var first = new Guest(rig, Uuid);
        byte[] groups = first.Send(TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.GroupList);
        Assert.Equal([0x01, 0xC4, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0, 0, 1], groups);
        byte[] register = first.Send(TpmTag.VtpmReq, (uint)TpmOrdinal.PcrRead, 0, 0, 0, 17);
        Assert.Equal([0x00, 0xC4, 0, 0, 0, 30, 0, 0, 0, 0, .. TpmDigest.AllOnes.ReadOnlySpan], register);
        // An administrator may extend the hardware's; the vTPM's own register is another.
        byte[] extended = first.Send(TpmTag.VtpmReq, (uint)TpmOrdinal.Extend, [0, 0, 0, 16, .. new byte[20]]);
        Assert.Equal(SHA1.HashData(new byte[40]), extended[10..]);
        Assert.Equal(default, first.Tpm.PcrRead(16));

        first.RestartManager();
        Assert.Equal(groups, first.Send(TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.GroupList));
    }

    [Fact]
    public void PassThrough_OfAnotherVtpm_IsRefusedByTheManager()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using var first = new Guest(rig, Uuid);
        using var second = new Guest(rig, Guid.NewGuid());
        Assert.Equal([0x01, 0xC4, 0, 0, 0, 10, 0, 0, 0, (byte)TpmResult.AuthFail], second.Send(TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.GroupList));
        Assert.Equal(
            [0x00, 0xC4, 0, 0, 0, 10, 0, 0, 0, (byte)TpmResult.DisabledCmd],
            second.Send(TpmTag.VtpmReq, (uint)TpmOrdinal.Extend, [0, 0, 0, 16, .. new byte[20]]));
        Assert.Equal(30, second.Send(TpmTag.VtpmReq, (uint)TpmOrdinal.PcrRead, 0, 0, 0, 17).Length);
        foreach (VtpmManagerOrdinal ordinal in (VtpmManagerOrdinal[])[VtpmManagerOrdinal.SaveHashKey, VtpmManagerOrdinal.LoadHashKey, VtpmManagerOrdinal.GetQuote])
        {
            byte[] answer = second.Send(TpmTag.VtpmReq, (uint)ordinal, new byte[52]);
            Assert.Equal([0x00, 0xC4, 0, 0, 0, 10, 0, 0, 0, (byte)TpmResult.DisabledCmd], answer);
        }
    }

    private static TpmResult ResultOf(Guest guest, TpmSession owner, VtpmQuoteFlags flags = VtpmQuoteFlags.None)
    {
        try
        {
            guest.Tpm.DeepQuote(owner, NewNonce(), TpmPcrSelection.Of(9), Hardware, flags);
            return TpmResult.Success;
        }
        catch (TpmCommandException exception)
        {
            return exception.Result;
        }
    }

    private static TpmNonce NewNonce() => new(RandomNumberGenerator.GetBytes(TpmNonce.Size));

    /// <summary>Version 0.0.0.0, "DQUT", the nonce, TPM_PCR_INFO_SHORT.</summary>
    private static byte[] DeepQuoteInfo(TpmNonce nonce, byte[] select, byte locality, byte[] values)
    {
        byte[] composite = SHA1.HashData([0, 3, .. select, 0, 0, 0, (byte)values.Length, .. values]);
        return [0, 0, 0, 0, .. "DQUT"u8, .. nonce.ReadOnlySpan, 0, 3, .. select, locality, .. composite];
    }

    /// <summary>Knows the identity key of the group, and how a quote is made; nothing of our code.</summary>
    private sealed class Verifier(ManagerRig rig)
    {
        private readonly RSAParameters _aik = new() { Modulus = rig.Manager.Service.Image.Groups[0].AikPublic.ToArray(), Exponent = [1, 0, 1] };

        public bool Accepts(VtpmGetQuoteResponse quote, uint flags, byte[] digest)
        {
            byte[] blob = quote.HashesAndPcrValues.ToArray();
            int hashes = 20 * int.PopCount((int)flags);
            byte[] littleEndian = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(littleEndian, flags);
            byte[] quoted =
            [
                1, 1, 0, 0, .. "QUOT"u8,
                .. SHA1.HashData([0, 3, 1, 0, 2, 0, 0, 0, 40, .. blob[hashes..]]),
                .. SHA1.HashData([.. littleEndian, .. digest, .. blob[..hashes]]),
            ];
            using RSA aik = RSA.Create(_aik);
            return aik.VerifyData(quoted, quote.Signature.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        }
    }
}
