using System.Buffers.Binary;
using Vtpm.Tis.Tests.Support;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>How long a TPM may take: what it says, what is made of that, and what happens then.</summary>
public class DurationTests
{
    private const uint Startup = 0x99, PcrRead = 0x15, Unseal = 0x18, TakeOwnership = 0x0D, Vendor = 0x2000_0001;
    private const byte Timeouts = 0x15, Durations = 0x20;

    [Theory]
    [InlineData(PcrRead, 1)]
    [InlineData(Unseal, 2)]
    [InlineData(TakeOwnership, 150)]
    [InlineData(Vendor, 150)]   // Nothing is known of it: as long as anything may take.
    public void Command_MayTakeTheDurationOfItsClass(uint ordinal, int seconds)
    {
        using var rig = Rig([750_000, 2_000_000, 750_000, 750_000], [1_000_000, 2_000_000, 150_000_000]);
        _ = rig.Connection;
        rig.Device.ExecutionTime = TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1);
        Assert.Equal(TisRig.Response(0), rig.Transmit(TisRig.Command(ordinal)));
        Assert.Equal(0, rig.Device.Cancelled);
    }

    [Theory]
    [InlineData(PcrRead, 1)]
    [InlineData(Unseal, 2)]
    [InlineData(TakeOwnership, 150)]
    [InlineData(Vendor, 150)]
    public void Command_ThatTakesLonger_IsCancelledAndTheTpmGivenBack(uint ordinal, int seconds)
    {
        using var rig = Rig([750_000, 2_000_000, 750_000, 750_000], [1_000_000, 2_000_000, 150_000_000]);
        _ = rig.Connection;
        TimeSpan before = rig.Time.Waited;
        rig.Device.NeverAnswers = true;
        string message = rig.Fails(TpmTransportFault.TimedOut, TisRig.Command(ordinal)).Message;
        Assert.Contains($"no response within {seconds} s", message, StringComparison.Ordinal);
        rig.HasWaited(TimeSpan.FromSeconds(seconds), before);
        Assert.Equal(1, rig.Device.Cancelled);
        Assert.Null(rig.Device.Active);
        rig.Fails(TpmTransportFault.Broken);
    }

    [Fact]
    public void Timeouts_AreWhatTheTpmSays()
    {
        using var rig = Rig([100_000, 200_000, 300_000, 400_000], [1_000_000, 2_000_000, 3_000_000]);
        TisTimings timings = rig.Connection.Timings;
        Assert.Equal([100, 200, 300, 400], [timings.A.TotalMilliseconds, timings.B.TotalMilliseconds, timings.C.TotalMilliseconds, timings.D.TotalMilliseconds]);
        rig.Device.HasNoBurst = true;
        TimeSpan before = rig.Time.Waited;
        rig.Fails(TpmTransportFault.TimedOut);
        rig.HasWaited(timings.D, before);
    }

    [Fact]
    public void Timeouts_InMilliseconds_AreTakenAsThat()
    {
        using var rig = Rig([750, 2000, 750, 1], [1_000_000, 2_000_000, 3_000_000]);
        TisTimings timings = rig.Connection.Timings;
        Assert.Equal([750, 2000, 750, 1], [timings.A.TotalMilliseconds, timings.B.TotalMilliseconds, timings.C.TotalMilliseconds, timings.D.TotalMilliseconds]);
    }

    [Fact]
    public void Durations_OfBroadcomsKind_AreTakenAsMilliseconds()
    {
        using var rig = Rig([750_000, 2_000_000, 750_000, 750_000], [9_999, 5_000, 60_000]);
        TisTimings timings = rig.Connection.Timings;
        Assert.Equal([1, 5, 60], [timings.Short.TotalSeconds, timings.Medium.TotalSeconds, timings.Long.TotalSeconds]);
    }

    [Fact]
    public void WhatATpmLeavesOut_StaysAsItWas()
    {
        using var rig = Rig([0, 0, 0, 5_000_000], [0, 4_000_000, 0]);
        TisTimings timings = rig.Connection.Timings;
        Assert.Equal((TisTimings.Tpm12.A, TisTimings.Tpm12.B, TisTimings.Tpm12.C), (timings.A, timings.B, timings.C));
        Assert.Equal((TisTimings.Tpm12.Short, TisTimings.Tpm12.Long), (timings.Short, timings.Long));
        Assert.Equal(TimeSpan.FromSeconds(4), timings.Medium);
    }

    [Fact]
    public void WhatNoTpmCanMean_HasAnEnd()
    {
        using var rig = Rig([uint.MaxValue, uint.MaxValue, 750_000, 750_000], [1_000_000, uint.MaxValue, uint.MaxValue]);
        TisTimings timings = rig.Connection.Timings;
        Assert.Equal((TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)), (timings.A, timings.B));
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromHours(1)), (timings.Medium, timings.Long));
    }

    [Theory]
    [InlineData("00c40000000a00000026")]                       // not started
    [InlineData("00c40000000a00000003")]                       // no such capability
    [InlineData("00c400000012000000000000000400000001")]       // one number
    [InlineData("00c40000001e000000000000000f00000001000000010000000100000001")]   // another size inside
    public void ATpmThatDoesNotTell_HasTheDefaults(string answer)
    {
        using var rig = new TisRig(new TisOptions());
        rig.Device.Execute = _ => Convert.FromHexString(answer);
        Assert.Same(TisTimings.Tpm12, rig.Connection.Timings);
        // It is asked once, and not before every command.
        int asked = rig.Device.Executed.Count;
        rig.Transmit();
        rig.Transmit();
        Assert.Equal(asked + 2, rig.Device.Executed.Count);
    }

    [Fact]
    public void ATpmThatTellsWhenItHasBeenStarted_IsAskedAgainThen()
    {
        using var rig = Rig([100_000, 200_000, 300_000, 400_000], [1_000_000, 2_000_000, 3_000_000], started: false);
        Assert.Same(TisTimings.Tpm12, rig.Connection.Timings);
        rig.Transmit(TisRig.Command(Startup, 0, 1));
        rig.Transmit(TisRig.Command(PcrRead));
        Assert.Equal(TimeSpan.FromMilliseconds(400), rig.Connection.Timings.D);
    }

    [Fact]
    public void ATpm2_IsAskedNothing_AndHasLongerOnes()
    {
        using var rig = new TisRig(new TisOptions { IsTpm2 = true });
        byte[] command = [0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0];
        rig.Device.ExecutionTime = TimeSpan.FromSeconds(299);
        Assert.Equal(TisRig.Response(0), rig.Transmit(command));
        Assert.Equal(command, Assert.Single(rig.Device.Executed));
        rig.Device.NeverAnswers = true;
        Assert.Contains("within 300 s", rig.Fails(TpmTransportFault.TimedOut, command).Message, StringComparison.Ordinal);
    }

    /// <summary>A TPM 1.2 that tells these; everything else succeeds.</summary>
    private static TisRig Rig(uint[] timeouts, uint[] durations, bool started = true)
    {
        const byte getCapability = 0x65;
        var rig = new TisRig(new TisOptions());
        rig.Device.Execute = request =>
        {
            started |= request[9] == Startup;
            if (request[9] != getCapability) return TisRig.Response(0);
            // TPM_CAP_PROPERTY and four bytes that say which.
            Assert.Equal("000000050000000400000", Convert.ToHexString(request.AsSpan(10))[..21]);
            if (!started) return TisRig.Response(0x26);
            return request[^1] switch
            {
                Timeouts => Capability(timeouts),
                Durations => Capability(durations),
                _ => TisRig.Response(3),
            };
        };
        return rig;
    }

    private static byte[] Capability(uint[] values)
    {
        byte[] parameters = new byte[sizeof(uint) * (1 + values.Length)];
        BinaryPrimitives.WriteUInt32BigEndian(parameters, (uint)(sizeof(uint) * values.Length));
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(parameters.AsSpan(sizeof(uint) * (1 + i)), values[i]);
        return TisRig.Response(0, parameters);
    }
}
