using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Attestation;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>The evidence of a guest behind a vTPM, a manager and a hardware TPM, before the verifier that <c>vtpm verify</c> is.</summary>
public class EvidenceTests
{
    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Quote_OfAGuest_ShowsTheVerifierEverything(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using Guest guest = NewGuest(rig);
        var request = new DeepQuoteRequest { Nonce = NewNonce() };
        DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(Quote(guest, request).ToJson(), Policy(rig, request.Nonce));
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
        Assert.Equal(
            ["identity", "approval", "endorsement-key"],
            verdict.Statements.Where(statement => statement.Result != DeepQuoteResult.Shown).Select(statement => statement.Subject));
    }

    [Fact]
    public void Quote_OfSomeOfIt_ShowsThatAndNoMore()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using Guest guest = NewGuest(rig);
        for (uint flags = 0; flags < 16; flags++)
        {
            var request = new DeepQuoteRequest { Nonce = NewNonce(), Include = (VtpmQuoteFlags)flags, HardwarePcrs = 1, VirtualPcrs = 0x800400 };
            DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(Quote(guest, request).ToJson(), Policy(rig, request.Nonce));
            Assert.Equal(DeepQuoteResult.Shown, verdict["signature"].Result);
            Assert.Equal(Shown(1), verdict["uuid"].Result);
            Assert.Equal(Shown(2), verdict["vtpm"].Result);
            Assert.Equal(Shown(4), verdict["configuration"].Result);
            Assert.Equal(Shown(8), verdict["authority"].Result);
            Assert.Equal(DeepQuoteResult.NotShown, verdict["platform"].Result);

            DeepQuoteResult Shown(uint flag) => (flags & flag) != 0 ? DeepQuoteResult.Shown : DeepQuoteResult.NotShown;
        }
    }

    [Fact]
    public void Quote_AtALocality_IsForThatOne()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using Guest guest = NewGuest(rig);
        guest.Locality = 2;
        var request = new DeepQuoteRequest { Nonce = NewNonce(), Locality = 2 };
        DeepQuotePolicy policy = Policy(rig, request.Nonce) with { Locality = 2 };
        Assert.True(DeepQuoteVerifier.Verify(Quote(guest, request), policy).Holds);
        DeepQuoteVerdict told = DeepQuoteVerifier.Verify(Quote(guest, request with { Locality = 1 }), policy);
        Assert.Equal((DeepQuoteResult.Wrong, DeepQuoteResult.Wrong), (told["signature"].Result, told["locality"].Result));
    }

    /// <summary>After the configuration was replaced, evidence tells it from the one that the verifier knows.</summary>
    [Fact]
    public void Quote_UnderANewerConfiguration_IsNotTheApprovedOne()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using Guest guest = NewGuest(rig);
        DeepQuotePolicy before = Policy(rig, NewNonce());
        ManagerGroup group = rig.Manager.Service.Image.Groups[0];
        using (RSA key = RSA.Create())
        {
            key.ImportFromPem(File.ReadAllText(rig.KeyPath));
            using VtpmManagerClient administrator = rig.Administrator();
            PlatformConfiguration[] platforms = [.. group.Platforms.Select(seal => new PlatformConfiguration(seal.PcrMask, seal.DigestRelease))];
            byte[] list = SignedConfiguration.Create(key, group.ConfigurationSequence + 1, platforms, group.Kernels);
            administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 0, .. list]);
        }

        var request = new DeepQuoteRequest { Nonce = before.Nonce!.Value };
        DeepQuoteEvidence evidence = Quote(guest, request);
        Assert.Equal(["configuration"], DeepQuoteVerifier.Verify(evidence, before).Statements.Where(statement => statement.Fails).Select(statement => statement.Subject));
        Assert.True(DeepQuoteVerifier.Verify(evidence, Policy(rig, request.Nonce)).Holds);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Quote_OfANewEndorsementKey_ShowsItUntilTheVtpmRestarts(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using var guest = new Guest(rig, Uuid);
        TpmPubKey ek = guest.TakeOwnership();
        TpmNonce nonce = NewNonce();
        using TpmSecret secret = TpmSecret.WellKnown();
        byte[] evidence = DeepQuoteProver.QuoteEndorsementKey(guest.Tpm, secret, nonce, 0x0E00FF).ToJson();
        var policy = new DeepQuotePolicy
        {
            Aik = Group(rig).AikPublic,
            Nonce = nonce,
            EndorsementKeySha256 = SHA256.HashData(ek.PubKey.Key.Span),
            Platforms = [new ApprovedPlatform(ProvisioningOptions.DefaultPcrMask, Group(rig).ToConfigList().Platforms[0])],
        };
        DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(evidence, policy);
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));

        guest.RestartVtpm();
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => DeepQuoteProver.QuoteEndorsementKey(guest.Tpm, secret, nonce, 0x0E00FF)).Result);
    }

    /// <summary>Somebody extends a PCR between its reading and the quote: what was read before is not what was quoted.</summary>
    [Fact]
    public void Quote_WhilePcrsChange_IsMadeAgainUntilTheyStand()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using Guest guest = NewGuest(rig);
        int quotes = 0;
        var request = new DeepQuoteRequest { Nonce = NewNonce() };
        DeepQuoteEvidence evidence = QuoteWhile(guest, request, beforeQuote: () =>
        {
            if (++quotes <= 3) guest.Tpm.Extend(10, default);
        });
        Assert.Equal(4, quotes);
        Assert.True(DeepQuoteVerifier.Verify(evidence, Policy(rig, request.Nonce)).Holds);
    }

    [Fact]
    public void Quote_OfPcrsThatNeverStand_IsGivenUpAndNamesThem()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using Guest guest = NewGuest(rig);
        int quotes = 0;
        void Extend()
        {
            quotes++;
            guest.Tpm.Extend(10, default);
        }

        var request = new DeepQuoteRequest { Nonce = NewNonce() };
        var exception = Assert.Throws<InvalidOperationException>(() => QuoteWhile(guest, request, Extend));
        Assert.Contains("PCRs 10 of the vTPM", exception.Message, StringComparison.Ordinal);
        Assert.Equal(DeepQuoteProver.Attempts, quotes);
        // Without that PCR there is nothing to wait for.
        QuoteWhile(guest, request with { VirtualPcrs = 0xFF }, Extend);
    }

    /// <summary>The group's own identity binding, of which the manager tells the label.</summary>
    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Identity_OfAGroup_IsBoundToItsLabel(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using Guest guest = NewGuest(rig);
        using RSA authority = RSA.Create(2048);
        byte[] modulus = authority.ExportParameters(false).Modulus!;
        using VtpmManagerClient administrator = rig.Administrator();
        VtpmGroupNewResponse made = administrator.Manage<VtpmGroupNewRequest, VtpmGroupNewResponse>(
            VtpmManagerOrdinal.GroupNew, new VtpmGroupNewRequest { LabelDigest = TpmDigest.Of("the privacy CA"u8), SaaModulus = modulus });
        var policy = new DeepQuotePolicy { Aik = made.AikModulus, Binding = new IdentityBinding(made.IdentityBinding, TpmDigest.Of("the privacy CA"u8)) };
        DeepQuoteEvidence evidence = Quote(guest, new DeepQuoteRequest { Nonce = NewNonce() });
        DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(evidence, policy);
        Assert.Equal(DeepQuoteResult.Shown, verdict["identity"].Result);
        // Another group's identity key than that of the vTPM's group.
        Assert.Equal(DeepQuoteResult.Wrong, verdict["signature"].Result);
        Assert.Equal(DeepQuoteResult.Wrong, DeepQuoteVerifier.Verify(evidence, policy with { Binding = policy.Binding with { LabelDigest = default } })["identity"].Result);
        Assert.Equal(DeepQuoteResult.Wrong, DeepQuoteVerifier.Verify(evidence, policy with { Aik = Group(rig).AikPublic })["identity"].Result);
    }

    private static Guest NewGuest(ManagerRig rig)
    {
        var guest = new Guest(rig, Uuid);
        guest.TakeOwnership();
        guest.Tpm.Extend(4, TpmDigest.Of("the guest's boot loader"u8));
        return guest;
    }

    private static DeepQuoteEvidence Quote(Guest guest, DeepQuoteRequest request)
    {
        using TpmSecret secret = TpmSecret.WellKnown();
        return DeepQuoteProver.Quote(guest.Tpm, secret, request);
    }

    private static ManagerGroup Group(ManagerRig rig) => rig.Manager.Service.Image.Groups[0];

    private static DeepQuotePolicy Policy(ManagerRig rig, TpmNonce nonce)
    {
        ManagerGroup group = Group(rig);
        VtpmConfigList list = group.ToConfigList();
        return new DeepQuotePolicy
        {
            Aik = group.AikPublic.ToArray(),
            Nonce = nonce,
            Authority = group.SaaModulus.ToArray(),
            Configuration = new ApprovedConfiguration
            {
                Sequence = list.Sequence,
                Platforms = [.. list.Platforms.Select(composite => new ApprovedPlatform(ProvisioningOptions.DefaultPcrMask, composite))],
                Kernels = list.Kernels,
            },
            Kernels = [DeepQuotePolicy.KernelOf("*:vtpm:socket")],
            Uuid = Uuid,
            HardwarePcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [17] = [TpmDigest.AllOnes] },
            VirtualPcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [4] = [new TpmDigest(SHA1.HashData([.. new byte[20], .. SHA1.HashData("the guest's boot loader"u8)]))] },
            Locality = 0,
        };
    }

    private static DeepQuoteEvidence QuoteWhile(Guest guest, DeepQuoteRequest request, Action beforeQuote)
    {
        using var tpm = new TpmClient(ScriptedConnection.Around(guest.Open(), (command, send) =>
        {
            if (WireFormat.Read(command.AsSpan(0, TpmHeader.Size), out TpmHeader header) == TpmResult.Success && header.Code == (uint)TpmOrdinal.DeepQuote) beforeQuote();
            return send(command);
        }));
        using TpmSecret secret = TpmSecret.WellKnown();
        return DeepQuoteProver.Quote(tpm, secret, request);
    }

    private static TpmNonce NewNonce() => new(RandomNumberGenerator.GetBytes(TpmNonce.Size));
}
