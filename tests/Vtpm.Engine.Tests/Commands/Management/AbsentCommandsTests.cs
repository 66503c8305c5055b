using Vtpm.Engine.Commands.Capability;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Management;

/// <summary>
/// TPM_FieldUpgrade (Part 3 §9.1) and TPM_SetRedirection (§9.2) are optional. A TPM without them answers as to any number that is no ordinal's, whoever
/// asks, and says so when asked for its ordinals. So does libtpms.
/// </summary>
public class AbsentCommandsTests
{
    private readonly TestTpm _tpm = new(TestTpm.EveryCommand);

    [Theory]
    [InlineData(TpmOrdinal.FieldUpgrade)]
    [InlineData(TpmOrdinal.SetRedirection)]
    public void AbsentCommand_OwnedOrNot_BadOrdinal(TpmOrdinal ordinal)
    {
        Assert.Equal(TpmResult.BadOrdinal, ResultOf($"00c1 0000000a {(uint)ordinal:x8}"));
        _tpm.TakeOwnership();
        TestAuth owner = _tpm.Oiap(TestTpm.OwnerAuth);
        string auth = $"{owner.Handle:x8}" + new string('0', 2 * 41);
        Assert.Equal(TpmResult.BadOrdinal, ResultOf($"00c2 00000043 {(uint)ordinal:x8} 40000000 00000001 00000000 {auth}"));
        Assert.NotNull(_tpm.State.Sessions.Find(owner.Handle));
    }

    [Theory]
    [InlineData(TpmOrdinal.FieldUpgrade)]
    [InlineData(TpmOrdinal.SetRedirection)]
    public void AbsentCommand_InGetCapability_IsNotThere(TpmOrdinal ordinal)
    {
        var request = new GetCapabilityRequest { CapArea = TpmCapability.Ord, SubCap = Convert.FromHexString($"{(uint)ordinal:x8}") };
        Assert.Equal([0], _tpm.Send(new GetCapability(), request).Resp.ToArray());
    }

    private TpmResult ResultOf(string request) => TestTpm.ResultOf(_tpm.Execute(Convert.FromHexString(request.Replace(" ", "", StringComparison.Ordinal))));
}
