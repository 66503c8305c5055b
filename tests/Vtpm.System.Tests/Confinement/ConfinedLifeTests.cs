using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>A confined vTPM does what any does; ./test runs the checks with real TPM tools on one as well.</summary>
public sealed class ConfinedLifeTests
{
    private const string User = "2000000000";

    [Fact]
    public void Vtpm_KeepsItsStateFromStartToStart()
    {
        using Chain chain = Chain.Started("--confine", User);
        Assert.Contains("confined: user 2000000000:2000000000, no capabilities", chain.Vtpm!.Log, StringComparison.Ordinal);
        byte[] endorsementKey = EndorsementKey(chain);
        chain.StopVtpm();
        Assert.Contains("the vTPM is off", chain.Vtpm.Log, StringComparison.Ordinal);
        Assert.False(File.Exists(chain.VtpmAddress.Name));
        chain.StartVtpm("--confine", "nobody");     // the image is not the user's
        Assert.Equal(endorsementKey, EndorsementKey(chain));
        chain.StopVtpm();
        chain.StartVtpm();      // nor does it care whether it is confined
        Assert.Equal(endorsementKey, EndorsementKey(chain));
    }

    [Fact]
    public void Key_OfTheGuests_IsMadeInTheSeal()
    {
        using Chain chain = Chain.Started("--without-ek", "--confine", User);
        using TpmClient tpm = chain.Connect();
        tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey);
        byte[] made = SHA256.HashData(WireFormat.ToBytes(tpm.ReadPubek()));
        chain.StartVtpm("--confine", User);
        Assert.Equal(made, EndorsementKey(chain));
    }

    [Fact]
    public void Manager_ThatIsRestarted_IsFoundAgain()
    {
        using Chain chain = Chain.Started("--without-ek", "--confine", User);
        chain.Manager!.Kill();
        using TpmClient tpm = chain.Connect();
        // There is nobody to keep the new state: it is not acknowledged, and the vTPM lives on.
        Assert.Throws<TpmBusyException>(() => tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey));
        chain.StartManager();
        tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey);
        byte[] made = SHA256.HashData(WireFormat.ToBytes(tpm.ReadPubek()));
        chain.StartVtpm("--confine", User);
        Assert.Equal(made, EndorsementKey(chain));
    }

    [Fact]
    public void Guest_OfManyCommandsAndConnections_IsServedInTheSeal()
    {
        using Chain chain = Chain.Started("--without-ek", "--confine", User, "--listen", "tcp:127.0.0.1:0");
        for (int client = 0; client < 20; client++)
        {
            using TpmClient tpm = chain.Connect();
            // Enough garbage for the collector to run many times.
            for (int i = 0; i < 1000; i++) Assert.Equal(128, tpm.GetRandom(128).Length);
        }

        using (ITpmConnection link = TpmConnection.Open(chain.VtpmAddress))
        {
            byte[] response = new byte[TpmMessage.MaxLength];
            byte[] unknown = [0x00, 0xC1, 0, 0, 0, 10, 0xFF, 0xFF, 0xFF, 0xFF];
            Assert.Equal(10, link.Transmit(unknown, response));
        }

        Assert.True(ConfinedProcess.Of(chain.Vtpm!).IsRunning);
    }

    [Fact]
    public void Log_ThatCannotBeWritten_EndsNothing()
    {
        using var chain = new Chain();
        chain.StartHardware();
        chain.StartManager();
        string line = string.Join(' ', chain.VtpmArguments.Concat(["--without-ek", "--confine", User]));
        using VtpmProcess outer = VtpmProcess.StartProgram("/bin/sh", "-c", $"exec {VtpmBinary.Path} {line} >/dev/full");
        using TpmClient tpm = chain.ConnectWhenThere();
        Assert.Equal(20, tpm.GetRandom(20).Length);
    }

    [Fact]
    public void Process_ThatEnds_EndsItsParentAndTheOtherWayRound()
    {
        using Chain chain = Chain.Started("--without-ek", "--confine", User);
        ConfinedProcess process = ConfinedProcess.Of(chain.Vtpm!);
        Signal(process.Pid, UnixSignal.Kill);
        Assert.Equal(1, chain.Vtpm!.WaitForExit());
        Assert.Contains("the vTPM's process was ended by signal 9", chain.Vtpm.Log, StringComparison.Ordinal);
        chain.StartVtpm("--confine", User);
        process = ConfinedProcess.Of(chain.Vtpm);
        Signal(process.Pid, UnixSignal.Terminate);
        Assert.Equal(0, chain.Vtpm.WaitForExit());
        chain.StartVtpm("--confine", User);
        process = ConfinedProcess.Of(chain.Vtpm);
        chain.Vtpm.Signal(UnixSignal.Kill);
        ConfinedProcess.Until(() => !process.IsRunning, "end of the vTPM with its parent");
    }

    [Fact]
    public void Image_ThatIsMissing_IsRefusedAndNotMade()
    {
        using Chain chain = Chain.Started("--without-ek", "--confine", User);
        chain.StopVtpm();
        File.Move(chain.VtpmImage, chain["kept"]);
        (int code, string output) = chain.RunVtpm("--confine", User);
        Assert.Equal(3, code);
        Assert.Contains("does not exist, and the manager keeps the key of one", output, StringComparison.Ordinal);
        // An empty file would pass for a vTPM that was cleared.
        Assert.False(File.Exists(chain.VtpmImage));
        File.Move(chain["kept"], chain.VtpmImage);
        chain.StartVtpm("--confine", User);
        Assert.DoesNotContain("MANUFACTURING", chain.Vtpm!.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Image_ThatIsInUse_IsRefused()
    {
        using Chain chain = Chain.Started("--without-ek", "--confine", User);
        (int code, string output) = VtpmProcess.Run(
            "run", "--image", chain.VtpmImage, "--manager", chain.ManagerAddress.ToString(), "--listen", $"unix:{chain["second.sock"]}", "--confine", User);
        Assert.Equal(4, code);
        Assert.Contains("in use by another process", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("root", "no confinement")]
    [InlineData("0:0", "no confinement")]
    [InlineData("nobody-of-this-name", "there is no user")]
    public void User_ThatIsNone_IsRefused(string user, string why)
    {
        using var chain = new Chain();
        (int code, string output) = chain.RunVtpm("--confine", user);
        Assert.Equal(2, code);
        Assert.Contains(why, output, StringComparison.Ordinal);
        Assert.False(File.Exists(chain.VtpmImage));
    }

    [Theory]
    [InlineData("unix:manager.sock", "xen:", "--listen xen:")]
    [InlineData("xen:", "unix:vtpm.sock", "--manager xen:")]
    [InlineData("/dev/tpm0", "unix:vtpm.sock", "--manager /dev/tpm0")]
    public void Link_ThatCannotBeHandedOver_IsRefused(string manager, string listen, string why)
    {
        (int code, string output) = VtpmProcess.Run("run", "--image", "/nowhere", "--manager", manager, "--listen", listen, "--confine", User);
        Assert.Equal(2, code);
        Assert.Contains(why, output, StringComparison.Ordinal);
    }

    private static void Signal(int pid, UnixSignal signal)
    {
        using VtpmProcess kill = VtpmProcess.StartProgram("/bin/sh", "-c", $"kill -{(int)signal} {pid}");
        Assert.Equal(0, kill.WaitForExit());
    }

    private static byte[] EndorsementKey(Chain chain)
    {
        using TpmClient tpm = chain.Connect();
        return SHA256.HashData(WireFormat.ToBytes(tpm.ReadPubek()));
    }
}
