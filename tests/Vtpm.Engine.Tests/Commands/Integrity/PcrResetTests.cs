using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Integrity;

public class PcrResetTests
{
    private readonly TestTpm _tpm = new();

    [Fact]
    public void PcrReset_Debug_IsZeroFromAnyLocality()
    {
        for (int locality = 0; locality <= 4; locality++)
        {
            _tpm.Locality = locality;
            Extend(16);
            Extend(23);
            Assert.Equal(TpmResult.Success, Reset(16, 23));
            Assert.Equal(default, _tpm.State.Pcrs[16]);
            Assert.Equal(default, _tpm.State.Pcrs[23]);
        }
    }

    [Fact]
    public void PcrReset_OtherRegisters_StayAsTheyAre()
    {
        Extend(10);
        Extend(16);
        TpmDigest pcr10 = _tpm.State.Pcrs[10];
        Reset(16);
        Assert.Equal(pcr10, _tpm.State.Pcrs[10]);
        Assert.Equal(TpmDigest.AllOnes, _tpm.State.Pcrs[17]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PcrReset_Action4_DynamicRegister_DependsOnTosPresent(bool tosPresent)
    {
        _tpm.Locality = 2;
        Extend(21);
        _tpm.State = _tpm.State with { StAnyFlags = _tpm.State.StAnyFlags with { TosPresent = tosPresent } };
        Assert.Equal(TpmResult.Success, Reset(20, 21, 22));
        Assert.Equal(tosPresent ? default : TpmDigest.AllOnes, _tpm.State.Pcrs[21]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public void PcrReset_Action3a_StaticRegister_NotResetable(int pcr)
    {
        _tpm.Locality = 4;
        Assert.Equal(TpmResult.NotResetable, Reset(pcr));
    }

    [Theory]
    [InlineData(17, 0, TpmResult.NotLocal)]
    [InlineData(17, 3, TpmResult.NotLocal)]
    [InlineData(17, 4, TpmResult.Success)]
    [InlineData(19, 4, TpmResult.Success)]
    [InlineData(20, 1, TpmResult.NotLocal)]
    [InlineData(20, 2, TpmResult.Success)]
    [InlineData(20, 4, TpmResult.Success)]
    [InlineData(21, 4, TpmResult.NotLocal)]
    [InlineData(22, 2, TpmResult.Success)]
    [InlineData(16, 9, TpmResult.NotLocal)]
    public void PcrReset_Action3b_Locality_MustBeOneOfTheRegister(int pcr, int locality, TpmResult expected)
    {
        _tpm.Locality = locality;
        Assert.Equal(expected, Reset(pcr));
    }

    [Fact]
    public void PcrReset_OneOfManyNotAllowed_ResetsNone()
    {
        Extend(16);
        PcrBank before = _tpm.State.Pcrs;
        Assert.Equal(TpmResult.NotLocal, Reset(16, 21, 23));
        Assert.Equal(TpmResult.NotResetable, Reset(15, 16));
        Assert.Same(before, _tpm.State.Pcrs);
    }

    [Theory]
    [InlineData("")]
    [InlineData("000000")]
    [InlineData("00000100")]
    public void PcrReset_Actions1aTo1c_InvalidSelection_InvalidPcrInfo(string select) =>
        Assert.Equal(TpmResult.InvalidPcrInfo, _tpm.ResultOf(new PcrReset(), Request(Convert.FromHexString(select))));

    private static PcrResetRequest Request(byte[] select) => new() { PcrSelection = new TpmPcrSelection { PcrSelect = select } };

    private void Extend(uint pcr) => _tpm.Send(new Extend(), new ExtendRequest { PcrNum = pcr, InDigest = new TpmDigest(SHA1.HashData("x"u8)) });

    private TpmResult Reset(params int[] pcrs) => _tpm.ResultOf(new PcrReset(), new PcrResetRequest { PcrSelection = TpmPcrSelection.Of(pcrs) });
}
