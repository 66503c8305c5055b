using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Tests.Theories;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Integrity;

public class ExtendTests
{
    [Fact]
    public void Extend_Actions7And9_AnyRegister_HoldsDigestOfOldValueAndInput()
    {
        var tpm = new TestTpm();
        byte[] input = SHA1.HashData("kernel"u8);
        ExtendResponse response = tpm.Send(new Extend(), new ExtendRequest { PcrNum = 4, InDigest = new TpmDigest(input) });
        Assert.Equal(SHA1.HashData((byte[])[.. new byte[20], .. input]), response.OutDigest.ReadOnlySpan.ToArray());
        Assert.Equal(response.OutDigest, tpm.Send(new PcrRead(), new PcrReadRequest { PcrIndex = 4 }).OutDigest);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(uint.MaxValue)]
    public void Extend_Action1_RegisterThatDoesNotExist_BadIndex(uint pcr) =>
        Assert.Equal(TpmResult.BadIndex, new TestTpm().ResultOf(new Extend(), new ExtendRequest { PcrNum = pcr }));

    /// <summary>pcrExtendLocal of the PC Client profile, a bit for each locality.</summary>
    [Theory]
    [InlineData(0, 0x1F)]
    [InlineData(15, 0x1F)]
    [InlineData(16, 0x1F)]
    [InlineData(17, 0x1C)]
    [InlineData(18, 0x1C)]
    [InlineData(19, 0x0C)]
    [InlineData(20, 0x0E)]
    [InlineData(21, 0x04)]
    [InlineData(22, 0x04)]
    [InlineData(23, 0x1F)]
    public void Extend_Action4_Locality_MustBeOneOfTheRegister(uint pcr, int localities)
    {
        for (int locality = 0; locality <= 5; locality++)
        {
            TpmResult expected = (localities >> locality & 1) == 1 ? TpmResult.Success : TpmResult.BadLocality;
            Assert.Equal(expected, new TestTpm { Locality = locality }.ResultOf(new Extend(), new ExtendRequest { PcrNum = pcr }));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Extend_Action8_DisabledOrDeactivated_MeasuresButAnswersZeroes(bool disabled)
    {
        var tpm = new TestTpm();
        tpm.SetPermanentFlags(flags => flags with { Disable = disabled });
        tpm.State = tpm.State with { StClearFlags = tpm.State.StClearFlags with { Deactivated = !disabled } };
        Assert.Equal(default, tpm.Send(new Extend(), new ExtendRequest { PcrNum = 4 }).OutDigest);
        Assert.Equal(SHA1.HashData(new byte[40]), tpm.State.Pcrs[4].ReadOnlySpan.ToArray());
    }

    [Theory]
    [InlineData(24)]
    [InlineData(uint.MaxValue)]
    public void PcrRead_Action1_RegisterThatDoesNotExist_BadIndex(uint pcr) =>
        Assert.Equal(TpmResult.BadIndex, new TestTpm().ResultOf(new PcrRead(), new PcrReadRequest { PcrIndex = pcr }));

    [Fact]
    public void PcrRead_Action2_AnyRegister_AnswersItsValue()
    {
        var tpm = new TestTpm();
        tpm.Send(new Extend(), new ExtendRequest { PcrNum = 23 });
        Assert.Equal(default, tpm.Send(new PcrRead(), new PcrReadRequest { PcrIndex = 0 }).OutDigest);
        Assert.Equal(TpmDigest.AllOnes, tpm.Send(new PcrRead(), new PcrReadRequest { PcrIndex = 22 }).OutDigest);
        Assert.Equal(SHA1.HashData(new byte[40]), tpm.Send(new PcrRead(), new PcrReadRequest { PcrIndex = 23 }).OutDigest.ReadOnlySpan.ToArray());
    }

    /// <summary>Startup and clearing put the registers where they begin; whoever else changed them would forge a measurement.</summary>
    [Fact]
    public void Integrity_Action1_AnyOtherCommand_LeavesTheRegistersAlone()
    {
        TpmOrdinal[] changing = [TpmOrdinal.Extend, TpmOrdinal.Sha1CompleteExtend, TpmOrdinal.Startup, TpmOrdinal.PcrReset, TpmOrdinal.ExecuteTransport];
        var runner = new TheoryRunner();
        foreach (CorpusEntry entry in Corpus.Entries.Where(entry => !changing.Contains(entry.Ordinal)))
            Assert.Same(entry.State.Pcrs, runner.After(entry).Pcrs);
    }
}
