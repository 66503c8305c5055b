using Vtpm.Tis.Tests.Support;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>A higher locality takes the TPM in the middle of a command.</summary>
public class SeizureTests
{
    private static readonly byte[] LongResponse = TisRig.Response(0, new byte[100]);

    [Theory]
    [InlineData(1)]    // in the first burst
    [InlineData(8)]    // at the end of one
    [InlineData(13)]   // before the last byte
    [InlineData(14)]   // with the last byte
    public void WhileACommandIsSent_ItIsReportedAsInterrupted(int afterBytes)
    {
        using var rig = new TisRig { AllowsViolations = true };
        rig.Device.Burst = 4;
        rig.Device.ByteTaken = count => SeizeAt(rig, count, afterBytes);
        IsInterrupted(rig);
        Assert.Empty(rig.Device.Executed);
    }

    [Fact]
    public void WhileACommandIsExecuted_ItIsReportedAsInterrupted()
    {
        using var rig = new TisRig();
        rig.Device.ExecutionTime = TimeSpan.FromSeconds(2);
        _ = rig.Connection;
        rig.Time.After(TimeSpan.FromSeconds(1), () => rig.Device.SeizeBy(4));
        IsInterrupted(rig);
        rig.HasWaited(TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(16)]
    [InlineData(109)]
    [InlineData(110)]   // The last byte has come, and the TPM can no longer say that it was the last.
    public void WhileAResponseIsRead_ItIsReportedAsInterrupted(int afterBytes)
    {
        using var rig = new TisRig { AllowsViolations = true };
        rig.Device.Execute = _ => LongResponse;
        rig.Device.ByteGiven = count => SeizeAt(rig, count, afterBytes);
        IsInterrupted(rig);
    }

    [Fact]
    public void BySomebodyWhoHasGoneAgain_ItIsReportedAllTheSame()
    {
        using var rig = new TisRig();
        rig.Device.ExecutionTime = TimeSpan.FromSeconds(2);
        _ = rig.Connection;
        rig.Time.After(TimeSpan.FromSeconds(1), () =>
        {
            rig.Device.SeizeBy(4);
            rig.Device.Vacate();
        });
        rig.Fails(TpmTransportFault.Interrupted);
    }

    [Fact]
    public void Afterwards_ANewLinkWorks()
    {
        using var rig = new TisRig();
        rig.Device.Execute = _ =>
        {
            rig.Device.SeizeBy(4);
            return LongResponse;
        };
        IsInterrupted(rig);
        rig.Device.Execute = _ => LongResponse;
        rig.Device.Vacate();
        using var again = TisConnection.Open(rig.Device.Page(0), new TisOptions { IsTpm2 = true, Time = rig.Time });
        byte[] response = new byte[TpmMessage.MaxLength];
        Assert.Equal(LongResponse.Length, again.Transmit(TisRig.ShortCommand, response));
        Assert.Equal(LongResponse, response[..LongResponse.Length]);
    }

    [Fact]
    public void ACommandThatAnotherProgramCancels_IsReportedAsInterrupted()
    {
        using var rig = new TisRig();
        rig.Device.ExecutionTime = TimeSpan.FromSeconds(2);
        _ = rig.Connection;
        rig.Time.After(TimeSpan.FromSeconds(1), rig.Device.CancelByAnother);
        rig.Fails(TpmTransportFault.Interrupted);
        rig.HasWaited(TimeSpan.FromSeconds(1));
    }

    private static void SeizeAt(TisRig rig, int count, int at)
    {
        if (count == at) rig.Device.SeizeBy(4);
    }

    private static void IsInterrupted(TisRig rig)
    {
        Assert.Contains("can be sent again", rig.Fails(TpmTransportFault.Interrupted).Message, StringComparison.Ordinal);
        rig.Fails(TpmTransportFault.Broken);
        Assert.Equal(4, rig.Device.Active);
    }
}
