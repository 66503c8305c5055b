using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>GETQUOTE, verified as a remote party would.</summary>
public class QuoteTests
{
    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void GetQuote_WithEveryFlag_IsWhatTheHardwareSignsAboutTheVtpm(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        ManagerGroup group = rig.Manager.Service.Image.Groups[0];
        using RSA aik = RSA.Create(new RSAParameters { Modulus = group.AikPublic.ToArray(), Exponent = [1, 0, 1] });
        byte[] config = WireFormat.ToBytes(group.ToConfigList());
        byte[][] hashes =
        [
            SHA1.HashData(Convert.FromHexString("11111111222233334444555555555555")),
            SHA1.HashData(SHA1.HashData("*:vtpm:socket"u8)),
            SHA1.HashData([.. group.SaaModulus.Span, .. config]),
            SHA1.HashData(group.SaaModulus.Span),
        ];
        for (uint flags = 0; flags < 16; flags++)
        {
            var nonce = new TpmNonce(RandomNumberGenerator.GetBytes(TpmNonce.Size));
            VtpmGetQuoteResponse quote = vtpm.GetQuote(new VtpmGetQuoteRequest { Nonce = nonce, PcrSelection = TpmPcrSelection.Of(0, 17), Flags = (VtpmQuoteFlags)flags });

            byte[] expected = [.. hashes.Where((_, bit) => (flags >> bit & 1) == 1).SelectMany(hash => hash)];
            Assert.Equal(expected, quote.Hashes((VtpmQuoteFlags)flags).ToArray());
            byte[] pcrs = [.. vtpm.Hardware.PcrRead(0).ReadOnlySpan, .. vtpm.Hardware.PcrRead(17).ReadOnlySpan];
            Assert.Equal(pcrs, quote.PcrValues((VtpmQuoteFlags)flags).ToArray());

            byte[] littleEndian = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(littleEndian, flags);
            byte[] quoted =
            [
                1, 1, 0, 0, .. "QUOT"u8,
                .. SHA1.HashData([0, 3, 1, 0, 2, 0, 0, 0, 40, .. pcrs]),
                .. SHA1.HashData([.. littleEndian, .. nonce.ReadOnlySpan, .. expected]),
            ];
            Assert.True(aik.VerifyData(quoted, quote.Signature.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1), $"flags {flags}");
        }
    }

    [Theory]
    [InlineData(0x10u)]
    [InlineData(0x80000000u)]
    [InlineData(0xFFFFFFFFu)]
    public void GetQuote_WithAnUnknownFlag_IsStatus5(uint flags)
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        Assert.Equal(5u, (uint)Assert.Throws<VtpmManagerException>(() => vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0), Flags = (VtpmQuoteFlags)flags })).Result);
    }

    [Fact]
    public void GetQuote_BeforeTheVtpmHasOpened_IsABadParameter()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        Assert.Equal(TpmResult.BadParameter, Assert.Throws<VtpmManagerException>(() => vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) })).Result);
    }

    [Fact]
    public void GetQuote_InAGroupWithoutIdentity_Fails()
    {
        using var rig = new ManagerRig(HardwareKind.Engine, provision: false, with: options => options with { AllowUnprovisioned = true });
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        Assert.Equal(TpmResult.Fail, Assert.Throws<VtpmManagerException>(() => vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) })).Result);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(33)]
    [InlineData(4000)]
    public void GetQuote_WithAnAbsurdSelection_IsRefused(int length)
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        var selection = new TpmPcrSelection { PcrSelect = new byte[length] };
        Assert.Throws<VtpmManagerException>(() => vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = selection }));
        Assert.Equal(52, vtpm.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void GetQuote_AfterARestart_UsesTheSameIdentity()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using (VtpmManagerClient vtpm = rig.Vtpm(Uuid)) vtpm.SaveHashKey(new byte[52]);
        byte[] aik = rig.Manager.Service.Image.Groups[0].AikPublic.ToArray();
        rig.Restart();
        using VtpmManagerClient again = rig.Vtpm(Uuid);
        again.LoadHashKey(new byte[64]);
        Assert.Equal(256, again.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) }).Signature.Length);
        Assert.Equal(aik, rig.Manager.Service.Image.Groups[0].AikPublic.ToArray());
    }
}
