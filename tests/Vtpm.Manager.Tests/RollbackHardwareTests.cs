using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Counters and NV areas of a hardware TPM 1.2: each answer that the manager has to tell from the others.</summary>
public class RollbackHardwareTests
{
    private const uint Label = 0x7654_3210;
    private const int Size = 48;

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Counter_MadeFoundAndCounted_OutlivesThePower(HardwareKind kind)
    {
        using TestHardware hardware = ManagerRig.CreateOwned(kind);
        TpmAuthData auth = Auth();
        HardwareCounter counter;
        using (IHardwareTpm tpm = Start(hardware))
        {
            Assert.Equal(RollbackStatus.Absent, tpm.FindCounter(Label).Status);
            counter = tpm.CreateCounter(Label, auth).Value;
            Assert.NotEqual(0u, counter.Index);
            Assert.Equal(counter.Value, tpm.ReadCounter(counter.Index, auth).Value);
            Assert.Equal(counter.Value + 1, tpm.IncrementCounter(counter.Index, auth, TimeSpan.FromMinutes(1)).Value);
        }

        hardware.PowerCycle();
        using IHardwareTpm again = Start(hardware);
        Assert.Equal(counter.Index, again.FindCounter(Label).Value);
        Assert.Equal(RollbackStatus.Absent, again.FindCounter(Label + 1).Status);
        Assert.Equal(counter.Value + 1, again.ReadCounter(counter.Index, auth).Value);
        Assert.Equal(counter.Value + 2, again.IncrementCounter(counter.Index, auth, TimeSpan.FromMinutes(1)).Value);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Counter_UntilThereIsNoRoom_SaysSo(HardwareKind kind)
    {
        using TestHardware hardware = ManagerRig.CreateOwned(kind);
        using IHardwareTpm tpm = Start(hardware);
        RollbackAnswer<HardwareCounter> answer = tpm.CreateCounter(1, Auth());
        for (uint label = 2; answer.IsDone && label < 100; label++) answer = tpm.CreateCounter(label, Auth());
        Assert.Equal(RollbackStatus.NoRoom, answer.Status);
        Assert.NotEmpty(answer.Reason);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Counter_ThatIsNotThereOrNotOurs_IsToldApart(HardwareKind kind)
    {
        using TestHardware hardware = ManagerRig.CreateOwned(kind);
        using IHardwareTpm tpm = Start(hardware);
        TpmAuthData auth = Auth();
        HardwareCounter ours = tpm.CreateCounter(Label, auth).Value;
        HardwareCounter other = tpm.CreateCounter(Label + 1, auth).Value;
        Assert.Equal(RollbackStatus.Absent, tpm.ReadCounter(0x00AB_CDEF, auth).Status);
        Assert.Equal(RollbackStatus.Absent, tpm.IncrementCounter(0x00AB_CDEF, auth, TimeSpan.Zero).Status);
        Assert.Equal(RollbackStatus.Refused, tpm.IncrementCounter(ours.Index, Auth(), TimeSpan.Zero).Status);
        Assert.True(tpm.IncrementCounter(other.Index, auth, TimeSpan.FromMinutes(1)).IsDone);

        RollbackAnswer<uint> second = tpm.IncrementCounter(ours.Index, auth, TimeSpan.Zero);
        Assert.Equal(RollbackStatus.Refused, second.Status);
        Assert.Contains("somebody else's", second.Reason, StringComparison.Ordinal);
        Assert.Equal(ours.Value, tpm.ReadCounter(ours.Index, auth).Value);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Area_DefinedAndWritten_OutlivesThePowerAndOpensToItsSecretOnly(HardwareKind kind)
    {
        using TestHardware hardware = ManagerRig.CreateOwned(kind);
        TpmAuthData auth = Auth();
        uint index;
        using (IHardwareTpm tpm = Start(hardware))
        {
            index = tpm.AreaIndex(0x123);
            Assert.Equal(RollbackStatus.Absent, tpm.ReadArea(index, auth, Size).Status);
            Assert.Equal(RollbackStatus.Absent, tpm.WriteArea(index, auth, 0, new byte[1]).Status);
            Assert.Equal(index, tpm.DefineArea(index, auth, Size).Value);
            Assert.Equal(Enumerable.Repeat((byte)0xFF, Size), tpm.ReadArea(index, auth, Size).Value!);
            Assert.True(tpm.WriteArea(index, auth, 16, Enumerable.Range(1, 16).Select(i => (byte)i).ToArray()).IsDone);
        }

        hardware.PowerCycle();
        using (IHardwareTpm again = Start(hardware))
        {
            byte[] content = again.ReadArea(index, auth, Size).Value!;
            Assert.Equal(Enumerable.Range(1, 16).Select(i => (byte)i), content[16..32]);
            Assert.All(content[32..], b => Assert.Equal(0xFF, b));
            Assert.Equal(RollbackStatus.Refused, again.ReadArea(index, Auth(), Size).Status);
            Assert.Equal(RollbackStatus.Refused, again.WriteArea(index, Auth(), 0, new byte[1]).Status);
        }

        using var anybody = new TpmClient(hardware.Connect());
        Assert.Throws<TpmCommandException>(() => anybody.NvReadValue(index, 0, Size));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Area_ThatIsTakenOrTooLarge_IsToldApart(HardwareKind kind)
    {
        using TestHardware hardware = ManagerRig.CreateOwned(kind);
        using IHardwareTpm tpm = Start(hardware);
        TpmAuthData auth = Auth();
        Assert.True(tpm.DefineArea(tpm.AreaIndex(1), auth, Size).IsDone);
        Assert.True(tpm.WriteArea(tpm.AreaIndex(1), auth, 0, new byte[Size]).IsDone);
        Assert.Equal(RollbackStatus.Refused, tpm.DefineArea(tpm.AreaIndex(1), Auth(), Size).Status);
        Assert.Equal(new byte[Size], tpm.ReadArea(tpm.AreaIndex(1), auth, Size).Value!);
        Assert.Equal(RollbackStatus.NoRoom, tpm.DefineArea(tpm.AreaIndex(2), auth, 1_000_000).Status);
    }

    [Fact]
    public void Create_WithAnotherOwnersSecret_IsRefusedWithoutGuessingAgain()
    {
        using TestHardware hardware = ManagerRig.CreateOwned(HardwareKind.Engine);
        int commands = 0;
        using IHardwareTpm tpm = Start(
            hardware, "text:wrong", inner => ScriptedConnection.Around(inner, (request, send) =>
            {
                commands++;
                return send(request);
            }));
        int before = commands;
        Assert.Equal(RollbackStatus.Refused, tpm.CreateCounter(Label, Auth()).Status);
        Assert.Equal(RollbackStatus.Refused, tpm.DefineArea(tpm.AreaIndex(1), Auth(), Size).Status);
        Assert.Equal(before, commands);
    }

    [Fact]
    public void Increment_ThatIsThrottled_IsBusyAndNotCounted()
    {
        using TestHardware hardware = ManagerRig.CreateOwned(HardwareKind.Engine);
        bool throttles = false;
        using IHardwareTpm tpm = Start(hardware, "well-known", inner => ScriptedConnection.Around(inner, (request, send) =>
            throttles && request[9] == (byte)TpmOrdinal.IncrementCounter ? [0, 0xC4, 0, 0, 0, 10, 0, 0, 0x08, 0] : send(request)));
        TpmAuthData auth = Auth();
        HardwareCounter counter = tpm.CreateCounter(Label, auth).Value;
        throttles = true;
        Assert.Equal(RollbackStatus.Busy, tpm.IncrementCounter(counter.Index, auth, TimeSpan.Zero).Status);
        throttles = false;
        Assert.Equal(counter.Value + 1, tpm.IncrementCounter(counter.Index, auth, TimeSpan.Zero).Value);
    }

    private static IHardwareTpm Start(TestHardware hardware, string ownerAuth = "well-known", Func<ITpmConnection, ITpmConnection>? around = null) =>
        IHardwareTpm.Start(
            new ManagerOptions
            {
                Hardware = TpmAddress.Named("test", "hardware"),
                OwnerAuth = ownerAuth,
                Connect = _ => around is null ? hardware.Connect() : around(hardware.Connect()),
            },
            new ManagerLog(null));

    private static TpmAuthData Auth() => new(RandomNumberGenerator.GetBytes(TpmAuthData.Size));
}
