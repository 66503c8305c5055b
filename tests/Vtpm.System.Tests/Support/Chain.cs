using Vtpm.Client;
using Vtpm.Transports;

namespace Vtpm.SystemTests;

/// <summary>Hardware stand-in, manager and one vTPM in a folder, each a process that can be stopped, killed and started again.</summary>
internal sealed class Chain : IDisposable
{
    private readonly TestFolder _folder = new();

    public string Uuid { get; set; } = "5f3ad1c8-52b7-4b3a-9a54-0d6d3f6f7a11";

    public VtpmProcess? Hardware { get; private set; }

    public VtpmProcess? Manager { get; private set; }

    public VtpmProcess? Vtpm { get; private set; }

    public string HardwareState => _folder["hardware.state"];

    public TpmAddress HardwareAddress => TpmAddress.Unix(_folder["hardware.sock"]);

    public string ManagerImage => _folder["manager.img"];

    public TpmAddress ManagerAddress => TpmAddress.Unix(_folder[Uuid + ".sock"]);

    public string VtpmImage => _folder["vtpm.img"];

    public TpmAddress VtpmAddress => TpmAddress.Unix(_folder["vtpm.sock"]);

    public string this[string name] => _folder[name];

    public IReadOnlyList<string> HardwareArguments =>
        ["hardware", "--state", HardwareState, "--listen", HardwareAddress.ToString(), "--startup", "clear"];

    public IReadOnlyList<string> ManagerArguments =>
        ["manager", "--image", ManagerImage, "--provision", _folder["approval.pem"], "--listen", ManagerAddress.ToString(), $"tpmdriver={HardwareAddress}"];

    public IReadOnlyList<string> VtpmArguments =>
        ["run", "--image", VtpmImage, "--manager", ManagerAddress.ToString(), "--uuid", Uuid, "--listen", VtpmAddress.ToString()];

    /// <summary>A chain whose vTPM, and all that it stands on, is ready.</summary>
    public static Chain Started(params IEnumerable<string> vtpmArguments)
    {
        var chain = new Chain();
        try
        {
            chain.StartHardware();
            chain.StartManager();
            chain.StartVtpm(vtpmArguments);
            return chain;
        }
        catch
        {
            chain.Dispose();
            throw;
        }
    }

    public VtpmProcess StartHardware() => Hardware = Restart(Hardware, VtpmProcess.Ready, HardwareArguments);

    public VtpmProcess StartManager() => Manager = Restart(Manager, VtpmProcess.ManagerReady, ManagerArguments);

    public VtpmProcess StartVtpm(params IEnumerable<string> arguments) =>
        Vtpm = Restart(Vtpm, VtpmProcess.Ready, VtpmArguments.Concat(arguments));

    /// <summary>Starts the vTPM where it is to refuse.</summary>
    public (int ExitCode, string Output) RunVtpm(params IEnumerable<string> arguments) => VtpmProcess.Run(VtpmArguments.Concat(arguments));

    /// <summary>Asks the vTPM to end.</summary>
    public void StopVtpm()
    {
        Vtpm!.Signal(UnixSignal.Terminate);
        Assert.Equal(0, Vtpm.WaitForExit());
    }

    public TpmClient Connect() => Connect(VtpmAddress);

    /// <summary>Connects to a vTPM that does not say when it is ready.</summary>
    public TpmClient ConnectWhenThere()
    {
        long deadline = Environment.TickCount64 + (long)VtpmProcess.Patience.TotalMilliseconds;
        while (true)
        {
            try
            {
                return Connect();
            }
            catch (TpmTransportException) when (Environment.TickCount64 < deadline)
            {
                Thread.Yield();
            }
        }
    }

    public TpmClient ConnectToHardware() => Connect(HardwareAddress);

    public void Dispose()
    {
        Vtpm?.Dispose();
        Manager?.Dispose();
        Hardware?.Dispose();
        _folder.Dispose();
    }

    private static TpmClient Connect(TpmAddress address) =>
        new(TpmConnection.Open(address, new TpmConnectionOptions { ResponseTimeout = VtpmProcess.Patience }));

    private static VtpmProcess Restart(VtpmProcess? old, string readyMark, IEnumerable<string> arguments)
    {
        old?.Dispose();
        return VtpmProcess.StartReady(readyMark, arguments);
    }
}
