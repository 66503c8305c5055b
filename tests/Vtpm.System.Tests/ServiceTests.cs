using System.Net.Sockets;
using System.Text;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>Ending, and what a medium that fails does to programs that run.</summary>
public sealed class ServiceTests
{
    [Theory]
    [InlineData(UnixSignal.Terminate)]
    [InlineData(UnixSignal.Interrupt)]
    internal void Programs_ToldToEndInTheMiddleOfLoad_EndWellAndKeepAll(UnixSignal signal)
    {
        using Chain chain = Chain.Started();
        using var load = new TpmLoad(chain.Connect, new Random(1));
        Task loading = Task.Run(() => load.Run(() => false), TestContext.Current.CancellationToken);
        // Beyond taking ownership, into commands that come thick.
        while (load.Acknowledged < 20 && !loading.IsCompleted)
        {
            load.HasAcknowledged.Reset();
            WaitHandle.WaitAny([load.HasAcknowledged.WaitHandle, ((IAsyncResult)loading).AsyncWaitHandle], VtpmProcess.Patience);
        }

        AssertEndsWell(chain.Vtpm!, chain.VtpmAddress, signal);
        Assert.True(((IAsyncResult)loading).AsyncWaitHandle.WaitOne(VtpmProcess.Patience), "the client was left without an end");
        AssertEndsWell(chain.Manager!, chain.ManagerAddress, signal);
        AssertEndsWell(chain.Hardware!, chain.HardwareAddress, signal);

        chain.StartHardware();
        chain.StartManager();
        chain.StartVtpm();
        load.VerifyRestarted();
    }

    [Fact]
    public void Hardware_AsAServiceOfSystemd_SaysThatItIsReadyAndThatItStops()
    {
        using var chain = new Chain();
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.ReceiveTimeout = (int)VtpmProcess.Patience.TotalMilliseconds;
        systemd.Bind(new UnixDomainSocketEndPoint(chain["notify.sock"]));
        using VtpmProcess hardware =
            VtpmProcess.StartProgram("env", [$"NOTIFY_SOCKET={chain["notify.sock"]}", VtpmBinary.Path, .. chain.HardwareArguments]);
        Assert.Equal("READY=1", Told());
        using (chain.ConnectToHardware())
        {
            hardware.Signal(UnixSignal.Terminate);
            Assert.Equal("STOPPING=1", Told());
        }

        Assert.Equal(0, hardware.WaitForExit());

        string Told()
        {
            byte[] buffer = new byte[100];
            return Encoding.UTF8.GetString(buffer, 0, systemd.Receive(buffer));
        }
    }

    [Fact]
    public void Hardware_StoppedWithItsParent_EndsWhenTheInputDoes()
    {
        using var chain = new Chain();
        using VtpmProcess hardware = VtpmProcess.StartReady(VtpmProcess.Ready, [.. chain.HardwareArguments, "--stop-with-parent"]);
        hardware.CloseInput();
        Assert.Equal(0, hardware.WaitForExit());
    }

    [Fact]
    public void Hardware_ThatIsNotStarted_WaitsForStartupAsAChipDoes()
    {
        using var chain = new Chain();
        using VtpmProcess hardware = VtpmProcess.StartReady(VtpmProcess.Ready, chain.HardwareArguments.SkipLast(2));
        using TpmClient tpm = chain.ConnectToHardware();
        Assert.Equal(TpmResult.InvalidPostInit, Assert.Throws<TpmCommandException>(() => tpm.PcrRead(0)).Result);
        tpm.Startup(TpmStartupType.Clear);
        Assert.Equal(default, tpm.PcrRead(0));
    }

    [Fact]
    public void Hardware_OnAStateThatIsInUse_IsUnavailable()
    {
        using var chain = new Chain();
        chain.StartHardware();
        (int exitCode, string output) = VtpmProcess.Run("hardware", "--state", chain.HardwareState, "--listen", "unix:" + chain["other.sock"]);
        Assert.Contains("another process", output, StringComparison.Ordinal);
        Assert.Equal(4, exitCode);
    }

    [Fact]
    public void Hardware_OnAnAddressThatIsTaken_IsUnavailable()
    {
        using var chain = new Chain();
        chain.StartHardware();
        (int exitCode, string output) = VtpmProcess.Run("hardware", "--state", chain["other.state"], "--listen", chain.HardwareAddress.ToString());
        Assert.Contains("another server listens there", output, StringComparison.Ordinal);
        Assert.Equal(4, exitCode);
    }

    [Fact]
    public void Hardware_OnADamagedState_IsRefusedAndLeft()
    {
        using var chain = new Chain();
        chain.StartHardware().Kill();
        byte[] damaged = File.ReadAllBytes(chain.HardwareState);
        damaged[20] ^= 1;
        File.WriteAllBytes(chain.HardwareState, damaged);
        (int exitCode, string output) = VtpmProcess.Run(chain.HardwareArguments);
        Assert.Contains("damaged", output, StringComparison.Ordinal);
        Assert.Equal(3, exitCode);
        Assert.Equal(damaged, File.ReadAllBytes(chain.HardwareState));
    }

    [Fact]
    public void Manager_WithoutHardware_IsUnavailable()
    {
        using var chain = new Chain();
        (int exitCode, string output) = VtpmProcess.Run(chain.ManagerArguments);
        Assert.Contains("there is no such socket", output, StringComparison.Ordinal);
        Assert.Equal(4, exitCode);
    }

    [Fact]
    public void Manager_OnOtherHardware_IsRefusedAndLeft()
    {
        using var chain = new Chain();
        chain.StartHardware();
        chain.StartManager().Kill();
        byte[] image = File.ReadAllBytes(chain.ManagerImage);
        chain.Hardware!.Kill();
        File.Move(chain.HardwareState, chain["good.state"]);
        chain.StartHardware();
        (int exitCode, string output) = VtpmProcess.Run(chain.ManagerArguments);
        Assert.Contains("does not open", output, StringComparison.Ordinal);
        Assert.Contains("--manufacture", output, StringComparison.Ordinal);
        Assert.Equal(3, exitCode);
        Assert.Equal(image, File.ReadAllBytes(chain.ManagerImage));

        chain.Hardware.Kill();
        File.Move(chain["good.state"], chain.HardwareState, overwrite: true);
        chain.StartHardware();
        chain.StartManager();
    }

    /// <summary>The medium takes no more: the files' size is limited, which a write beyond hears of as on a disk that is full.</summary>
    [Theory]
    [InlineData("hardware")]
    [InlineData("manager")]
    [InlineData("vtpm")]
    public void Program_WhoseDiskIsFull_AcknowledgesNothingAndGoesOnAfterwards(string which)
    {
        using var chain = new Chain();
        chain.StartHardware();
        if (which != "hardware") StartRest(chain);
        VtpmProcess process = which switch { "hardware" => chain.Hardware!, "manager" => chain.Manager!, _ => chain.Vtpm! };
        using var load = new TpmLoad(which == "hardware" ? chain.ConnectToHardware : chain.Connect, new Random(1));
        load.Acknowledge(8);

        Limit(process, "4096");
        TpmCommandException refusal = Assert.ThrowsAny<TpmCommandException>(() => load.Acknowledge(5));
        // The vTPM does not know how long its manager's trouble will last: the guest may try again.
        Assert.Equal(which == "manager" ? TpmResult.Retry : TpmResult.Fail, refusal.Result);
        Assert.True(process.IsRunning, process.Log);
        process.WaitFor("free space");
        load.VerifyRunning();

        Limit(process, "unlimited");
        load.Acknowledge(5);
        Assert.True(process.IsRunning, process.Log);
        chain.Vtpm?.Kill();
        chain.Manager?.Kill();
        chain.Hardware!.Kill();
        chain.StartHardware();
        if (which != "hardware")
        {
            StartRest(chain);
            Assert.DoesNotContain("MANUFACTURING", chain.Vtpm!.Log, StringComparison.Ordinal);
        }

        load.VerifyRestarted();
    }

    private static void StartRest(Chain chain)
    {
        chain.StartManager();
        chain.StartVtpm();
    }

    private static void AssertEndsWell(VtpmProcess process, TpmAddress address, UnixSignal signal)
    {
        Assert.True(File.Exists(address.Name));
        process.Signal(signal);
        Assert.Equal(0, process.WaitForExit());
        Assert.False(File.Exists(address.Name), $"{address} was left behind");
        Assert.DoesNotContain("   at ", process.Log, StringComparison.Ordinal);
    }

    private static void Limit(VtpmProcess process, string bytes)
    {
        using VtpmProcess prlimit = VtpmProcess.StartProgram("prlimit", "--pid", process.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture), $"--fsize={bytes}:unlimited");
        Assert.Equal(0, prlimit.WaitForExit());
    }
}
