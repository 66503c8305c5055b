using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Capability;

/// <summary>TPM_CAP_DA_LOGIC.</summary>
public class GetCapabilityDALogicTests
{
    [Fact]
    public void GetCapability_DALogic_CountsAndShowsTheLockout()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal("0037" + "00" + "0000" + "000f" + "003900000001" + "00000000" + "00000000", Hex(tpm.GetCapability(TpmCapability.DALogic, 0, 2)));
        tpm.State = tpm.State with
        {
            Permanent = tpm.State.Permanent with { DictionaryAttack = new DictionaryAttack { FailedAuthorizations = 15, LastFailure = tpm.Time.GetUtcNow() } },
            LockoutStart = tpm.Time.GetTimestamp(),
        };
        tpm.Time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal("0037" + "01" + "000f" + "000f" + "003900000001" + "00000004" + "00000000", Hex(tpm.GetCapability(TpmCapability.DALogic, 0, 2)));
        tpm.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("0037" + "00" + "000f" + "000f" + "003900000001" + "00000000" + "00000000", Hex(tpm.GetCapability(TpmCapability.DALogic, 0, 2)));
    }

    [Fact]
    public void GetCapability_DALogicLimitedByTheOwner_TellsNoCount()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.PermFlags, (uint)TpmPermanentFlag.DisableFullDALogicInfo, [1], tpm.AsOwner()));
        Assert.Equal("0038" + "00" + "003900000001" + "00000000", Hex(tpm.GetCapability(TpmCapability.DALogic, 0, 1)));
    }

    [Fact]
    public void GetCapability_DALogicOfNoEntity_WrongEntityType() =>
        Assert.Equal(TpmResult.WrongEntityType, new TestTpm().TryGetCapability(TpmCapability.DALogic, 0, 0x0D));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
