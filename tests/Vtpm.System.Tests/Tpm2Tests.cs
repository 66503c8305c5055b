using Vtpm.Client;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>The chain on a TPM 2.0, which is Debian's swtpm.</summary>
public sealed class Tpm2Tests : IDisposable
{
    private const string Uuid = "5f3ad1c8-52b7-4b3a-9a54-0d6d3f6f7a11";
    private readonly TestFolder _folder = new();
    private readonly Swtpm _hardware = new(isTpm2: true);

    private string[] ManagerArguments =>
        ["manager", "--image", _folder["manager.img"], "--provision", _folder["approval.pem"], "--listen", ManagerSocket, $"tpmdriver=unix:{_hardware.SocketPath}"];

    private string[] VtpmArguments =>
        ["run", "--image", _folder["vtpm.img"], "--manager", ManagerSocket, "--uuid", Uuid, "--listen", "unix:" + _folder["vtpm.sock"], "hwinitpcr=0-7"];

    private string ManagerSocket => "unix:" + _folder[Uuid + ".sock"];

    public void Dispose()
    {
        _hardware.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Chain_OnATpm20_IsThereAgainAfterEverythingWasKilled()
    {
        byte[]? endorsementKey = null;
        for (int start = 0; start < 3; start++)
        {
            using VtpmProcess manager = VtpmProcess.StartReady(VtpmProcess.ManagerReady, [.. ManagerArguments, "tpm2=1"]);
            using VtpmProcess vtpm = VtpmProcess.StartReady(VtpmProcess.Ready, VtpmArguments);
            Assert.Equal(start == 0, vtpm.Log.Contains("MANUFACTURING", StringComparison.Ordinal));
            Assert.Contains("version 2.0.", manager.Log, StringComparison.Ordinal);
            using (var tpm = new TpmClient(TpmConnection.Open(TpmAddress.Unix(_folder["vtpm.sock"]))))
            {
                byte[] key = WireFormat.ToBytes(tpm.ReadPubek());
                Assert.Equal(endorsementKey ?? key, key);
                endorsementKey = key;
            }

            vtpm.Kill();
            manager.Kill();
            _hardware.PowerCycle();
        }
    }

    [Fact]
    public void Up_OnATpm20_IsThereAgainTheNextTime()
    {
        string[] arguments = ["up", "--dir", _folder["chain"], "--hardware", "unix:" + _hardware.SocketPath, "--tpm2"];
        for (int start = 0; start < 2; start++)
        {
            using VtpmProcess up = VtpmProcess.StartReady("The vTPM is ready.", arguments);
            Assert.Equal(start == 0, up.Log.Contains("MANUFACTURING", StringComparison.Ordinal));
            Assert.Contains("PCR 0", up.Log, StringComparison.Ordinal);
            up.Signal(UnixSignal.Interrupt);
            Assert.Equal(0, up.WaitForExit());
            _hardware.PowerCycle();
        }
    }

    [Fact]
    public void Approve_CompositeOfATpm20_IsWhatTheManagerWasSealedTo()
    {
        string admin = "unix:" + _folder["admin.sock"];
        using VtpmProcess manager = VtpmProcess.StartReady(VtpmProcess.ManagerReady, [.. ManagerArguments, "--admin", admin, "tpm2=1"]);
        string composite = manager.Log.Split("composite hash ")[1].Split('\n')[0].Trim();
        (int exitCode, string output) = VtpmProcess.Run("approve", "composite", "--manager", admin);
        Assert.Equal((0, $"0e00ff={composite}"), (exitCode, output.Trim()));
        (exitCode, output) = VtpmProcess.Run("approve", "composite", "--manager", admin, "--json");
        Assert.Equal(0, exitCode);
        Assert.Contains("\"bank\": \"sha256\"", output.Replace("\":\"", "\": \"", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Manager_OnATpm20WithoutTpm2_RefusesAndSaysWhatToAdd()
    {
        (int exitCode, string output) = VtpmProcess.Run(ManagerArguments);
        Assert.Equal(3, exitCode);
        Assert.Contains("add tpm2=1", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Manager_WithSrkHandleOfNothing_RefusesAndSaysWhy()
    {
        (int exitCode, string output) = VtpmProcess.Run([.. ManagerArguments, "tpm2=1", "srk_handle=81000005"]);
        Assert.Equal(3, exitCode);
        Assert.Contains("srk_handle=0x81000005: the hardware TPM has nothing there", output, StringComparison.Ordinal);
    }
}
