using Vtpm.Tis.Tests.Support;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>A command's way into the TPM.</summary>
public class SendTests
{
    private static readonly byte[] Command = TisRig.Command(0x46, [.. Enumerable.Range(0, 90).Select(i => (byte)i)]);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    [InlineData(7, 0)]
    [InlineData(64, 40)]
    [InlineData(99, 0)]
    [InlineData(100, 0)]
    [InlineData(4096, 0)]
    public void Command_GoesInBurstsAsTheTpmTakesThem(int burst, int looksPerBurst)
    {
        using var rig = new TisRig();
        (rig.Device.Burst, rig.Device.LooksPerBurst) = (burst, looksPerBurst);
        rig.Transmit(Command);
        Assert.Equal(Command, Assert.Single(rig.Device.Executed));
    }

    [Fact]
    public void Command_OfNothingButAHeader_IsSent()
    {
        using var rig = new TisRig();
        rig.Transmit(TisRig.Command(0x50));
        Assert.Equal(TisRig.Command(0x50), Assert.Single(rig.Device.Executed));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    public void Status_IsBelievedOnlyWhenItIsValid(int looksUntilValid)
    {
        using var rig = new TisRig();
        (rig.Device.LooksUntilValid, rig.Device.Burst) = (looksUntilValid, 5);
        Assert.Equal(TisRig.Response(0), rig.Transmit(Command));
        Assert.Equal(Command, Assert.Single(rig.Device.Executed));
    }

    [Fact]
    public void BurstCount_ThatStaysZero_IsGivenUpAfterTimeoutD()
    {
        using var rig = new TisRig();
        rig.Device.ByteTaken = count => rig.Device.HasNoBurst = count == 16;
        Assert.Contains("burst count", rig.Fails(TpmTransportFault.TimedOut, Command).Message, StringComparison.Ordinal);
        rig.HasWaited(TimeSpan.FromMilliseconds(750));
        Assert.Equal(1, rig.Device.Cancelled);
        Assert.True(rig.Device.IsIdleOrReady);
    }

    [Fact]
    public void Tpm_ThatIsNeverReady_IsGivenUpAfterTimeoutB()
    {
        using var rig = new TisRig(new TisOptions { IsTpm2 = true });
        rig.Device.IsNeverReady = true;
        Assert.Contains("ready for a command", rig.Fails(TpmTransportFault.TimedOut).Message, StringComparison.Ordinal);
        // Twice the four seconds of a TPM 2.0: once for the command, and once for cancelling it.
        rig.HasWaited(TimeSpan.FromSeconds(8));
    }

    [Fact]
    public void Status_ThatIsNeverValid_IsGivenUpAfterTimeoutC()
    {
        using var rig = new TisRig();
        rig.Device.IsNeverValid = true;
        Assert.Contains("TPM_STS does not become valid", rig.Fails(TpmTransportFault.TimedOut).Message, StringComparison.Ordinal);
        rig.HasWaited(TimeSpan.FromMilliseconds(750));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    public void Command_ThatIsNotTakenWhole_IsSentAgain(int lostBytes, int earlyEnds)
    {
        using var rig = new TisRig();
        (rig.Device.LostBytes, rig.Device.EarlyEnds, rig.Device.Burst) = (lostBytes, earlyEnds, 8);
        Assert.Equal(TisRig.Response(0), rig.Transmit(Command));
        Assert.Equal(Command, Assert.Single(rig.Device.Executed));
        Assert.Equal(lostBytes + earlyEnds, rig.Device.Cancelled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Command_ThatIsNeverTakenWhole_IsGivenUp(bool loses)
    {
        using var rig = new TisRig();
        (rig.Device.LostBytes, rig.Device.EarlyEnds, rig.Device.Burst) = (loses ? 3 : 0, loses ? 0 : 3, 8);
        Assert.Contains("does not take a command of 100 bytes", rig.Fails(TpmTransportFault.Malformed, Command).Message, StringComparison.Ordinal);
        Assert.Empty(rig.Device.Executed);
        rig.Fails(TpmTransportFault.Broken);
    }

    [Theory]
    [InlineData("00c1")]
    [InlineData("00c10000000b00000050")]
    [InlineData("00c1000000090000005000")]
    public void Request_ThatIsNotOneMessage_IsRefusedAndTheLinkStays(string request)
    {
        using var rig = new TisRig();
        Assert.Throws<ArgumentException>(() => rig.Transmit(Convert.FromHexString(request)));
        Assert.Equal(TisRig.Response(0), rig.Transmit());
    }
}
