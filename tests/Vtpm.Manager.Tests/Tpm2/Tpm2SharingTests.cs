using Vtpm.Transports;
using Xunit;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>A TPM 2.0 that another locality takes away in the middle of commands.</summary>
public sealed class Tpm2SharingTests : IDisposable
{
    private const uint Mask = 0x0000FF;
    private readonly Tpm2Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    /// <summary>Wherever it happens from the first command of a link on, up to four times in a row.</summary>
    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 4)]
    [InlineData(3, 1)]
    [InlineData(6, 2)]
    public void Command_ThatIsInterrupted_IsSentAgainOverANewLink(int after, int times)
    {
        int left = times;
        int seen = 0;
        _machine.Script = (request, send) => seen++ >= after && left-- > 0 ? throw Interrupted() : send(request);
        using IHardwareTpm hardware = _machine.Hardware(Quick);

        Assert.NotEqual(default, hardware.ReadComposite(Mask));
        Assert.True(left < 0, "nothing was interrupted");
    }

    [Fact]
    public void Command_ThatIsInterruptedEveryTime_IsReported()
    {
        using IHardwareTpm hardware = _machine.Hardware(Quick);
        int tries = 0;
        _machine.Script = (_, _) =>
        {
            tries++;
            throw Interrupted();
        };

        var error = Assert.Throws<TpmTransportException>(() => hardware.ReadComposite(Mask));
        Assert.Equal(TpmTransportFault.Interrupted, error.Fault);
        Assert.InRange(tries, 2, 20);
    }

    private static ManagerOptions Quick(ManagerOptions options) => options with { RetryPause = TimeSpan.Zero };

    private static TpmTransportException Interrupted() => new(TpmTransportFault.Interrupted, "somebody has it");
}
