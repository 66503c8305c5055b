using Vtpm.Tis.Tests.Support;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>Whether there is a TPM, and whose it is.</summary>
public class LocalityTests
{
    private static readonly TimeSpan TimeoutA = TimeSpan.FromMilliseconds(750);

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public void Command_TakesItsLocalityAndGivesItBack(int locality)
    {
        using var rig = new TisRig(new TisOptions { IsTpm2 = true, Locality = locality });
        int? during = null;
        rig.Device.Execute = request =>
        {
            during = rig.Device.Active;
            return TisRig.Response(0);
        };
        Assert.Equal(TisRig.Response(0), rig.Transmit());
        Assert.Equal(locality, during);
        Assert.Null(rig.Device.Active);
    }

    [Fact]
    public void Open_WhereNothingAnswers_SaysSo()
    {
        using var rig = new TisRig();
        rig.Device.IsAbsent = true;
        Assert.Contains("no TPM answers there; is it enabled", rig.Fails(TpmTransportFault.Unavailable).Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, rig.Time.Waited);
    }

    [Fact]
    public void Open_WhereOnlyThatLocalityIsHidden_AsksAboutIt()
    {
        using var rig = new TisRig(new TisOptions { Locality = 3 });
        rig.Device.IsAbsent = true;
        Assert.Contains("does this chipset let software use locality 3", rig.Fails(TpmTransportFault.Unavailable).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhereNoVendorIs_SaysThereIsNoTpm()
    {
        using var rig = new TisRig();
        rig.Device.DeviceAndVendor = 0;
        rig.Fails(TpmTransportFault.Unavailable);
    }

    [Fact]
    public void Open_OnACommandResponseBuffer_SaysSo()
    {
        using var rig = new TisRig();
        rig.Device.InterfaceId = 0x0000_6011;
        Assert.Contains("CRB", rig.Fails(TpmTransportFault.Unavailable).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Access_ThatNeverBecomesValid_IsGivenUpAfterTimeoutA()
    {
        using var rig = new TisRig();
        rig.Device.IsAccessNeverValid = true;
        Assert.Contains("TPM_ACCESS", rig.Fails(TpmTransportFault.TimedOut).Message, StringComparison.Ordinal);
        rig.HasWaited(TimeoutA);
    }

    [Fact]
    public void Locality_GrantedLate_IsWaitedFor()
    {
        using var rig = new TisRig();
        rig.Device.GrantTime = TimeoutA - TimeSpan.FromMilliseconds(1);
        Assert.Equal(TisRig.Response(0), rig.Transmit());
    }

    [Fact]
    public void Locality_ThatIsNeverGranted_IsGivenUpAfterTimeoutA()
    {
        using var rig = new TisRig();
        rig.Device.NeverGrants = true;
        Assert.Contains("does not grant locality 0", rig.Fails(TpmTransportFault.Unavailable).Message, StringComparison.Ordinal);
        rig.HasWaited(TimeoutA);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20_000)]
    public void AnotherLocality_ThatIsAtACommand_IsWaitedForAndNeverSeized(int milliseconds)
    {
        using var rig = new TisRig(new TisOptions { IsTpm2 = true, Locality = 4 });
        rig.Device.Occupy(1);
        int? others = null;
        rig.Time.After(TimeSpan.FromMilliseconds(milliseconds), () =>
        {
            others = rig.Device.Active;
            rig.Device.Vacate();
        });
        Assert.Equal(TisRig.Response(0), rig.Transmit());
        Assert.Equal(1, others);
        rig.HasWaited(TimeSpan.FromMilliseconds(milliseconds));
    }

    [Theory]
    [InlineData(100)]     // within time-out A
    [InlineData(5_000)]
    public void Locality_GrantedAndSeizedBetweenTwoLooks_IsAskedForAgain(int milliseconds)
    {
        using var rig = new TisRig();
        rig.Device.Occupy(1);
        rig.Time.After(TimeSpan.FromMilliseconds(milliseconds), () =>
        {
            rig.Device.Vacate();
            Assert.Equal(0, rig.Device.Active);
            rig.Device.SeizeBy(4);
            rig.Device.Vacate();
        });
        Assert.Equal(TisRig.Response(0), rig.Transmit());
        rig.HasWaited(TimeSpan.FromMilliseconds(milliseconds));
    }

    [Fact]
    public void AnotherLocality_ThatKeepsTheTpm_IsReportedAndTheRequestWithdrawn()
    {
        using var rig = new TisRig(new TisOptions { IsTpm2 = true, LocalityPatience = TimeSpan.FromSeconds(5) });
        rig.Device.Occupy(1);
        Assert.Contains("another locality does not release", rig.Fails(TpmTransportFault.InUse).Message, StringComparison.Ordinal);
        rig.HasWaited(TimeoutA + TimeSpan.FromSeconds(5));
        Assert.Equal(1, rig.Device.Active);
        Assert.False(rig.Device.IsWaiting(0));
    }

    [Fact]
    public void AnotherLocality_ThatAsksDuringACommand_HasTheTpmAfterIt()
    {
        using var rig = new TisRig();
        rig.Device.Execute = request =>
        {
            rig.Device.Ask(3);
            return TisRig.Response(0);
        };
        Assert.Equal(TisRig.Response(0), rig.Transmit());
        Assert.Equal(3, rig.Device.Active);
    }

    [Fact]
    public void Locality_SeizedBetweenCommands_IsAskedForAgain()
    {
        using var rig = new TisRig();
        rig.Transmit();
        rig.Device.Occupy(0);
        rig.Device.SeizeBy(4);
        rig.Device.Vacate();
        Assert.Equal(TisRig.Response(0), rig.Transmit());
        Assert.Equal(2, rig.Device.Executed.Count);
    }

    [Fact]
    public void Tpm_ThatGoesAway_IsReported()
    {
        using var rig = new TisRig();
        rig.Transmit();
        rig.Device.IsAbsent = true;
        Assert.Contains("asleep", rig.Fails(TpmTransportFault.Failed).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_GivesTheRegistersBack()
    {
        var rig = new TisRig();
        rig.Transmit();
        ITisRegisters registers = rig.Device.Page(0);
        TisConnection.Open(registers, new TisOptions { IsTpm2 = true, Time = rig.Time }).Dispose();
        Assert.Throws<ObjectDisposedException>(() => registers.ReadByte(0));
        rig.Dispose();
        rig.Fails(TpmTransportFault.Broken);
    }
}
