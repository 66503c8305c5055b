using System.CommandLine;
using Vtpm.Crypto;
using Vtpm.Instance;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm hardware</c>: the stand-in for a machine's hardware TPM.</summary>
internal static class HardwareCommand
{
    private const string Examples = """

        Examples:
          vtpm hardware --state tpm.state --listen unix:tpm.sock
              A TPM 1.2 that waits for TPM_Startup, as a chip does.
          vtpm hardware --state tpm.state --listen tcp:127.0.0.1:2321 --startup clear
              The same on TCP, started as firmware would.
          TCSD_USE_TCP_DEVICE=1 TCSD_TCP_DEVICE_HOSTNAME=127.0.0.1 TCSD_TCP_DEVICE_PORT=2321 tcsd -e -f
              The TCG software stack on top of it.
        """;

    public static Command Create()
    {
        var state = new Option<string>("--state") { Description = "The file that holds the TPM's state; made when it does not exist.", HelpName = "FILE", Required = true };
        var startup = new Option<string>("--startup") { Description = "Send TPM_Startup at start, as firmware does: clear, state or deactivated.", HelpName = "TYPE" };
        startup.AcceptOnlyFromAmong("clear", "state", "deactivated");
        Option<TpmAddress[]> listen = Options.Listen();
        Option<string> mode = Options.SocketMode();
        var command = new Command("hardware", "A software TPM 1.2 in the place of a hardware TPM, to evaluate and test with." + Examples) { state, startup, listen, mode, Options.StopWithParent };
        command.SetAction(result =>
        {
            Run(
                result.GetRequiredValue(state), result.GetValue(startup), result.GetRequiredValue(listen), Options.ParseMode(result.GetRequiredValue(mode)),
                result.GetValue(Options.StopWithParent));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static void Run(string statePath, string? startup, TpmAddress[] addresses, UnixFileMode mode, bool stopWithParent)
    {
        var log = new Log("HWTPM");
        log.Info($"stand-in for a hardware TPM: its secrets are only as safe as the file {statePath}");
        bool isNew = !File.Exists(statePath);
        using var random = new SystemRandom();
        using HardwareStandIn hardware = HardwareStandIn.PowerOn(statePath, random, new OpenSslRsa(), log.Error);
        if (isNew) log.Info("there was no such file: A NEW TPM HAS BEEN MADE");
        if (startup is not null) StartUp(hardware, startup);
        using var server = new TpmServer((_, request, response) => hardware.Execute(request, response), new TpmServerOptions { UnixMode = mode, Log = log.Info });
        foreach (TpmAddress address in addresses) log.Info($"listening on {server.Listen(address).Address}");
        Service.Run(server, stopWithParent, () => log.Info("ready"));
        log.Info("powered off");
    }

    private static void StartUp(HardwareStandIn hardware, string startup)
    {
        TpmStartupType type = startup switch { "clear" => TpmStartupType.Clear, "state" => TpmStartupType.State, _ => TpmStartupType.Deactivated };
        TpmResult result = hardware.StartUp(type);
        if (result != TpmResult.Success) throw new VtpmStartException($"TPM_Startup({type}) answered {result}");
    }
}
