using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>An identity key and its credential, from the binding to the certificate in hand, with a privacy CA.</summary>
public sealed class PrivacyCaTests : IDisposable
{
    private const string Label = "group of the test";
    private readonly PrivacyCa _ca = new();
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _ca.Dispose();
        _authority.Dispose();
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Group_IsCertified(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using VtpmManagerClient administrator = rig.Administrator();
        VtpmGroupNewResponse group = _authority.NewGroup(administrator, _ca.LabelFor(Label));
        Assert.True(_ca.AcceptsBinding(group.AikModulus, Label, group.IdentityBinding));
        Assert.False(_ca.AcceptsBinding(group.AikModulus, "another label", group.IdentityBinding));
        ReadOnlyMemory<byte> ek = administrator.Manage<NoParameters, TpmPubKey>(VtpmManagerOrdinal.TpmReadPubek, default).PubKey.Key;
        (byte[] asymBlob, byte[] symBlob) = _ca.Issue(group.AikModulus, ek);

        TpmSymmetricKey session = Activate(administrator, 1, asymBlob);

        using X509Certificate2 credential = _ca.Open(symBlob, session);
        using RSA certified = credential.GetRSAPublicKey()!;
        Assert.Equal(group.AikModulus.ToArray(), certified.ExportParameters(false).Modulus);
        // It is for this identity, and no other of the same TPM.
        Assert.NotEqual(TpmResult.Success, Refusal(() => Activate(administrator, 0, asymBlob)));
        // The certified key is the one that quotes.
        TpmNonce nonce = new(RandomNumberGenerator.GetBytes(20));
        VtpmGroupQuoteResponse quote = administrator.Manage<VtpmGroupQuoteRequest, VtpmGroupQuoteResponse>(
            VtpmManagerOrdinal.GroupQuote, new VtpmGroupQuoteRequest { Group = 1, Nonce = nonce, PcrSelection = PcrList.ToSelection(1) });
        Assert.True(TestAuthority.IsQuote(
            certified.ExportParameters(false).Modulus, [1, 0, 0], quote.PcrValues.ToArray(), [.. "SHOW"u8, .. nonce.ReadOnlySpan], quote.Signature.Span));
    }

    /// <summary>
    /// The credential's key is bound to PCRs 20, 21 and 23, which the manager fills before it asks: the CA so certifies not a key of some TPM alone,
    /// but the identity of this group, under this authority and this configuration.
    /// </summary>
    [Fact]
    public void Group_IsCertifiedWithItsConfiguration()
    {
        var tpm = new TestTpm { Locality = 2 };
        using var rig = new ManagerRig(new EngineHardware(tpm), new byte[ManagerImage.DefaultLength], with: options => options with { Locality = 2 });
        using VtpmManagerClient administrator = rig.Administrator();
        VtpmGroupNewResponse group = _authority.NewGroup(administrator, _ca.LabelFor(Label));
        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. _authority.Approve(5, 8, default)]);
        ReadOnlyMemory<byte> ek = administrator.Manage<NoParameters, TpmPubKey>(VtpmManagerOrdinal.TpmReadPubek, default).PubKey.Key;
        byte[] list = [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, .. TestAuthority.Composite(8, default).ReadOnlySpan, 0, 0, 0, 1, .. SHA1.HashData("*:vtpm:socket"u8)];
        // A TPM that has seen no measured launch resets PCRs 20 to 22 to ones.
        byte[] values =
        [
            .. Extended(0xFF, SHA1.HashData(_authority.Modulus)), .. Extended(0xFF, SHA1.HashData(list)),
            .. Extended(0, [.. group.GroupUuid.ToByteArray(bigEndian: true), 0, 0, 0, 0]),
        ];
        byte[] select = [0, 3, 0, 0, 0b1011_0000];
        byte[] pcrInfo = [.. select, 0b0000_0100, .. SHA1.HashData((byte[])[.. select, 0, 0, 0, 60, .. values])];
        (byte[] asymBlob, byte[] symBlob) = _ca.Issue(group.AikModulus, ek, pcrInfo);

        using (X509Certificate2 credential = _ca.Open(symBlob, Activate(administrator, 1, asymBlob))) Assert.Contains("Identity", credential.Subject, StringComparison.Ordinal);

        // Under the next configuration it is not released.
        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. _authority.Approve(6, 9, default)]);
        Assert.Equal(TpmResult.WrongPcrVal, Refusal(() => Activate(administrator, 1, asymBlob)));

        static byte[] Extended(byte before, byte[] digest) => SHA1.HashData((byte[])[.. Enumerable.Repeat(before, 20), .. digest]);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void IdentityOfNoGroup_IsCertified(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using VtpmManagerClient administrator = rig.Administrator();
        var auth = new TpmAuthData(RandomNumberGenerator.GetBytes(20));
        VtpmMakeIdentityResponse made = administrator.Manage<VtpmMakeIdentityRequest, VtpmMakeIdentityResponse>(
            VtpmManagerOrdinal.TpmMakeIdentity, new VtpmMakeIdentityRequest { IdentityAuth = auth, LabelDigest = _ca.LabelFor(Label), IdKeyParams = TpmKeys.Identity });
        Assert.True(_ca.AcceptsBinding(made.IdKey.PubKey.Key, Label, made.IdentityBinding));
        ReadOnlyMemory<byte> ek = administrator.Manage<NoParameters, TpmPubKey>(VtpmManagerOrdinal.TpmReadPubek, default).PubKey.Key;
        (byte[] asymBlob, byte[] symBlob) = _ca.Issue(made.IdKey.PubKey.Key, ek);
        var request = new VtpmActivateIdentityRequest { IdKey = made.IdKey, IdentityAuth = auth, Blob = asymBlob };

        TpmSymmetricKey session = administrator.Manage<VtpmActivateIdentityRequest, TpmSymmetricKey>(VtpmManagerOrdinal.TpmActivateIdentity, request);

        using X509Certificate2 credential = _ca.Open(symBlob, session);
        using RSA certified = credential.GetRSAPublicKey()!;
        Assert.Equal(made.IdKey.PubKey.Key.ToArray(), certified.ExportParameters(false).Modulus);
    }

    /// <summary>An identity that the group is given later is as good as the first.</summary>
    [Fact]
    public void GroupIdentity_IsCertifiedAndQuotesAndTheOneBeforeDoesNot()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient administrator = rig.Administrator();
        VtpmGroupNewResponse group = _authority.NewGroup(administrator, _ca.LabelFor(Label));
        VtpmGroupIdentityResponse next = administrator.Manage<VtpmGroupIdentityRequest, VtpmGroupIdentityResponse>(
            VtpmManagerOrdinal.GroupIdentity, new VtpmGroupIdentityRequest { Group = 1, LabelDigest = _ca.LabelFor("next") });
        Assert.NotEqual(group.AikModulus.ToArray(), next.AikModulus.ToArray());
        Assert.True(_ca.AcceptsBinding(next.AikModulus, "next", next.IdentityBinding));
        ReadOnlyMemory<byte> ek = administrator.Manage<NoParameters, TpmPubKey>(VtpmManagerOrdinal.TpmReadPubek, default).PubKey.Key;
        (byte[] asymBlob, byte[] symBlob) = _ca.Issue(next.AikModulus, ek);
        using X509Certificate2 credential = _ca.Open(symBlob, Activate(administrator, 1, asymBlob));
        Assert.NotEqual(TpmResult.Success, Refusal(() => Activate(administrator, 1, _ca.Issue(group.AikModulus, ek).AsymBlob)));
        Assert.Equal(TpmResult.BadIndex, Refusal(() => administrator.Manage(VtpmManagerOrdinal.GroupIdentity, [0, 0, 0, 2, .. new byte[20]])));
    }

    private static TpmSymmetricKey Activate(VtpmManagerClient administrator, uint group, byte[] blob) =>
        administrator.Manage<VtpmGroupActivateRequest, TpmSymmetricKey>(VtpmManagerOrdinal.GroupActivate, new VtpmGroupActivateRequest { Group = group, Blob = blob });

    private static TpmResult Refusal(Action action) => Assert.Throws<VtpmManagerException>(action).Result;
}
