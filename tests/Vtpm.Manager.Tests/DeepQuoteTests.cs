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
        var verifier = new QuoteWitness(rig.Manager);
        TpmPcrSelection virtualPcrs = TpmPcrSelection.Of(4, 10);
        byte[] virtualValues = [.. guest.Tpm.PcrRead(4).ReadOnlySpan, .. guest.Tpm.PcrRead(10).ReadOnlySpan];
        for (uint flags = 0; flags < 16; flags++)
        {
            TpmNonce nonce = NewNonce();
            using TpmSession owner = guest.Owner();
            VtpmGetQuoteResponse quote = guest.Tpm.DeepQuote(owner, nonce, virtualPcrs, Hardware, (VtpmQuoteFlags)flags);
            byte[] info = QuoteWitness.InfoOf(nonce, [0x10, 0x04, 0], 0x01, virtualValues);
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
        var verifier = new QuoteWitness(rig.Manager);
        TpmNonce nonce = NewNonce();
        VtpmGetQuoteResponse quote;
        using (TpmSession owner = guest.Owner()) quote = guest.Tpm.DeepQuote(owner, nonce, TpmPcrSelection.Of(9), Hardware, VtpmQuoteFlags.HashUuid);

        Assert.True(verifier.Accepts(quote, 1, SHA1.HashData(QuoteWitness.InfoOf(nonce, [0, 2, 0], 0x01, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(QuoteWitness.InfoOf(NewNonce(), [0, 2, 0], 0x01, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(QuoteWitness.InfoOf(nonce, [0, 1, 0], 0x01, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(QuoteWitness.InfoOf(nonce, [0, 2, 0], 0x02, new byte[20]))));
        Assert.False(verifier.Accepts(quote, 1, SHA1.HashData(QuoteWitness.InfoOf(nonce, [0, 2, 0], 0x01, [.. Enumerable.Repeat((byte)1, 20)]))));
        Assert.False(verifier.Accepts(quote, 2, SHA1.HashData(QuoteWitness.InfoOf(nonce, [0, 2, 0], 0x01, new byte[20]))));
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
        Assert.True(new QuoteWitness(rig.Manager).Accepts(quote, 0, SHA1.HashData(QuoteWitness.InfoOf(nonce, [0, 2, 0], 0x08, new byte[20]))));
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
        Assert.True(new QuoteWitness(rig.Manager).Accepts(quote, 0, checksum));

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
        Assert.True(new QuoteWitness(rig.Manager).Accepts(quote, 0, SHA1.HashData(QuoteWitness.InfoOf(nonce, [0, 2, 0], 0x01, new byte[20]))));
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
}
