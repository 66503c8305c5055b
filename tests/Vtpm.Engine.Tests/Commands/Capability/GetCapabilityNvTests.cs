using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Capability;

/// <summary>TPM_CAP_NV_LIST and TPM_CAP_NV_INDEX.</summary>
public class GetCapabilityNvTests
{
    [Fact]
    public void GetCapability_NvList_HasTheDirAndWhatIsDefined()
    {
        var tpm = new TestTpm();
        Assert.Equal("10000001", Hex(tpm.GetCapability(TpmCapability.NvList)));
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
        Assert.Equal("1000000100011101", Hex(tpm.GetCapability(TpmCapability.NvList)));
        uint left = tpm.GetProperty(TpmCapabilityProperty.MaxNvAvailable);
        Assert.Equal(TpmResult.NoSpace, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite, left + 1, 7)));
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite, left, 7)));
    }

    [Fact]
    public void GetCapability_NvIndex_IsThePublicDescriptionAsItIsNow()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite | TpmNvPermission.ReadStClear)));
        string any = "0003000000" + "1f" + new string('0', 40);
        Assert.Equal("001800011101" + any + any + "001780000001" + "000000" + "00000010", Hex(tpm.GetCapability(TpmCapability.NvIndex, TestTpm.NvIndex)));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([]));
        Assert.Equal("001800011101" + any + any + "001780000001" + "000101" + "00000010", Hex(tpm.GetCapability(TpmCapability.NvIndex, TestTpm.NvIndex)));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(0, out _));
        Assert.Equal("001800011101" + any + any + "001780000001" + "010101" + "00000010", Hex(tpm.GetCapability(TpmCapability.NvIndex, TestTpm.NvIndex)));
    }

    /// <summary>The structure that Part 2 §21.1 rule 2a spells out.</summary>
    [Fact]
    public void GetCapability_NvIndexOfTheDir_IsAsPrescribed()
    {
        string any = "0003000000" + "1f" + new string('0', 40);
        Assert.Equal("001810000001" + any + any + "001700001002" + "000000" + "00000014", Hex(new TestTpm().GetCapability(TpmCapability.NvIndex, TpmNvIndex.Dir)));
    }

    [Fact]
    public void GetCapability_NvIndexNotDefined_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, new TestTpm().TryGetCapability(TpmCapability.NvIndex, 0, 1, 0x11, 1));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
