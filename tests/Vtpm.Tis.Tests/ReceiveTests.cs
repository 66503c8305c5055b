using Vtpm.Tis.Tests.Support;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>A response's way out of the TPM.</summary>
public class ReceiveTests
{
    private static readonly TimeSpan TimeoutC = TimeSpan.FromMilliseconds(750);
    private static readonly byte[] Response = TisRig.Response(0, [.. Enumerable.Range(0, 100).Select(i => (byte)i)]);

    [Theory]
    [InlineData(0, 16, 0)]
    [InlineData(1, 1, 0)]
    [InlineData(100, 3, 2)]
    [InlineData(100, 110, 50)]
    [InlineData(TpmMessage.MaxLength - TpmMessage.HeaderLength, 64, 1)]
    [InlineData(TpmMessage.MaxLength - TpmMessage.HeaderLength, 65535, 0)]
    public void Response_ComesInBurstsAsTheTpmGivesThem(int parameters, int burst, int looksPerBurst)
    {
        using var rig = new TisRig();
        byte[] response = TisRig.Response(0, [.. Enumerable.Range(0, parameters).Select(i => (byte)i)]);
        rig.Device.Execute = _ => response;
        (rig.Device.Burst, rig.Device.LooksPerBurst, rig.Device.LooksUntilValid) = (burst, looksPerBurst, 1);
        Assert.Equal(response, rig.Transmit());
    }

    [Theory]
    [InlineData(1, 7)]     // in the header
    [InlineData(2, 7)]
    [InlineData(1, 109)]   // before the last byte
    [InlineData(2, 10)]    // after the header
    public void Response_ThatEndsTooEarly_IsAskedForAgain(int times, int length)
    {
        using var rig = Rig();
        (rig.Device.ShortResponses, rig.Device.ShortLength) = (times, length);
        Assert.Equal(Response, rig.Transmit());
        Assert.Equal(times, rig.Device.Retries);
        Assert.Single(rig.Device.Executed);
        rig.HasWaited(times * TimeoutC);
    }

    [Theory]
    [InlineData(1, 0xFF)]   // longer than any
    [InlineData(2, 0x00)]   // shorter than its header
    public void Response_WithAnImpossibleSize_IsAskedForAgain(int times, byte size)
    {
        using var rig = Rig();
        (rig.Device.GarbledResponses, rig.Device.GarbledSize) = (times, size);
        Assert.Equal(Response, rig.Transmit());
        Assert.Equal(times, rig.Device.Retries);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Response_ThatGoesOnAfterItsEnd_IsAskedForAgain(int times)
    {
        using var rig = Rig();
        rig.Device.LongResponses = times;
        Assert.Equal(Response, rig.Transmit());
        Assert.Equal(times, rig.Device.Retries);
    }

    [Theory]
    [InlineData(3, 0, 0, "ends after 7 bytes, 3 times")]
    [InlineData(0, 3, 0, "says of itself that it has 65535 bytes, 3 times")]
    [InlineData(0, 0, 3, "goes on after its 110 bytes, 3 times")]
    public void Response_ThatNeverComesWhole_IsGivenUp(int shortOnes, int garbled, int longOnes, string message)
    {
        using var rig = Rig();
        (rig.Device.ShortResponses, rig.Device.GarbledResponses, rig.Device.LongResponses) = (shortOnes, garbled, longOnes);
        Assert.Contains(message, rig.Fails(TpmTransportFault.Malformed).Message, StringComparison.Ordinal);
        Assert.Equal(2, rig.Device.Retries);
        rig.Fails(TpmTransportFault.Broken);
    }

    [Fact]
    public void Response_LongerThanTheCallersBuffer_IsAnErrorAndLeavesNothingThere()
    {
        using var rig = Rig();
        byte[] response = new byte[Response.Length - 1];
        var e = Assert.Throws<TpmTransportException>(() => rig.Connection.Transmit(TisRig.ShortCommand, response));
        Assert.Equal(TpmTransportFault.Malformed, e.Fault);
        Assert.All(response, b => Assert.Equal(0, b));
        Assert.Null(rig.Device.Active);
    }

    [Fact]
    public void BurstCount_ThatStaysZero_IsGivenUpAfterTimeoutD()
    {
        using var rig = Rig();
        rig.Device.ByteGiven = count => rig.Device.HasNoBurst = count == 10;
        Assert.Contains("burst count", rig.Fails(TpmTransportFault.TimedOut).Message, StringComparison.Ordinal);
        rig.HasWaited(TimeSpan.FromMilliseconds(750));
    }

    [Fact]
    public void Status_ThatIsNeverValidAfterTheLastByte_IsGivenUpAfterTimeoutC()
    {
        using var rig = Rig();
        rig.Device.ByteGiven = count => rig.Device.IsNeverValid = count == Response.Length;
        Assert.Contains("TPM_STS", rig.Fails(TpmTransportFault.TimedOut).Message, StringComparison.Ordinal);
        rig.HasWaited(TimeoutC);
    }

    private static TisRig Rig()
    {
        var rig = new TisRig();
        rig.Device.Execute = _ => Response;
        return rig;
    }
}
