using System.CommandLine;
using Vtpm.Instance;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary><c>vtpm up</c>: the whole chain, hardware TPM to vTPM, in one command.</summary>
internal static class UpCommand
{
    private const string Examples = """

        Examples:
          vtpm up
              Everything in ./vtpm-data, on a stand-in for the hardware TPM; Ctrl-C stops it, and the same command brings it back.
          vtpm up --dir /var/lib/vtpm --hardware /dev/tpm0
              On this machine's TPM 1.2. Its owner must be nobody, or have the well-known secret, or the one of --owner-auth.
          vtpm up --dir /var/lib/vtpm --hardware /dev/tpm0 --owner-auth @/root/owner
              The same with a secret that is in a file, such as text:PASSWORD: a command line is for everybody on the machine to read.
          vtpm up --dir /var/lib/vtpm --hardware /dev/tpm0 --tpm2
              On this machine's TPM 2.0; there are no deep quotes on it.
          vtpm up --listen tcp:127.0.0.1:2322
              The vTPM on TCP as well.
        """;

    public static Command Create()
    {
        Option<string> dir = Folder();
        Option<TpmAddress> hardware =
            Options.Address("--hardware", "An existing TPM: /dev/tpm0, unix:PATH or tcp:HOST:PORT. Without it a stand-in is started.");
        var tpm2 = new Option<bool>("--tpm2") { Description = "The hardware is a TPM 2.0." };
        Option<TpmAddress[]> listen = Options.Listen();
        listen.Required = false;
        listen.Description = "Where the vTPM's clients connect, besides vtpm.sock in the folder; may be given several times.";
        Option<string> mode = Options.SocketMode();
        Option<string> ownerAuth = OwnerAuth();
        var srkAuth = new Option<string>("--srk-auth")
            { Description = "The hardware TPM's SRK secret, in the same forms.", HelpName = "SECRET", DefaultValueFactory = _ => "well-known" };
        Option<string> acceptRestored = Options.AcceptRestored();
        var arguments = new Argument<string[]>("argument")
            { Description = "Xen's arguments, for the vTPM (see vtpm run --help).", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("up", "Hardware TPM (an existing one or a stand-in), manager and one vTPM, ready for clients." + Examples)
            { dir, hardware, tpm2, listen, mode, ownerAuth, srkAuth, acceptRestored, arguments };
        command.SetAction(result =>
        {
            // All of it before the folder is made. A secret goes on as it was written: @FILE stays one.
            string owner = result.GetRequiredValue(ownerAuth);
            string srk = result.GetRequiredValue(srkAuth);
            Options.ReadSecret("--owner-auth", owner);
            Options.ReadSecret("--srk-auth", srk);
            Options.ParseMode(result.GetRequiredValue(mode));
            string[] vtpmArguments =
            [
                .. (result.GetValue(listen) ?? []).SelectMany(address => new[] { "--listen", address.ToString() }),
                "--socket-mode", result.GetRequiredValue(mode),
                .. Checked(result.GetValue(arguments) ?? []),
            ];
            string[] managerArguments =
            [
                .. result.GetValue(acceptRestored) is { } name ? new[] { "--accept-restored", name } : [],
                $"owner_auth={owner}", $"srk_auth={srk}", $"tpm2={(result.GetValue(tpm2) ? 1 : 0)}",
            ];
            return (int)Run(ChainFolder.OpenOrCreate(result.GetRequiredValue(dir)), result.GetValue(hardware), owner, managerArguments, vtpmArguments);
        });
        return command;
    }

    public static Option<string> OwnerAuth() => new("--owner-auth")
    {
        Description = "The hardware TPM's owner secret: well-known, hash:HEX, text:PASSWORD, or @FILE with one of these in it.",
        HelpName = "SECRET",
        DefaultValueFactory = _ => "well-known",
    };

    public static Option<string> Folder() => new("--dir")
    {
        Description = "The folder that holds everything.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "vtpm-data",
    };

    private static string[] Checked(string[] arguments)
    {
        VtpmArguments.Parse(arguments);
        return arguments;
    }

    private static ExitCode Run(ChainFolder folder, TpmAddress? asked, string ownerAuth, string[] managerArguments, string[] vtpmArguments)
    {
        using var chain = new ChainWatch();
        try
        {
            TpmAddress? hardware = folder.Hardware(asked);
            using ChainProcess? standIn = hardware is null ? StartHardware(folder, chain) : null;
            using ChainProcess manager = StartManager(folder, hardware ?? TpmAddress.Unix(folder.HardwareSocket), managerArguments, chain);
            folder.Keep(hardware);
            using ChainProcess vtpm = StartVtpm(folder, vtpmArguments, chain);
            ChainReport.Show(folder, hardware, ownerAuth);
            ShowHowToConnect(folder);
            chain.Wait();
            Log.Line(chain.Ended is { } ended ? $"the {ended} has ended by itself; stopping the rest. Nothing that was acknowledged is lost" : "stopping");
            return chain.Ended is null ? ExitCode.Ok : ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            Log.Line("stopped before it was ready");
            return ExitCode.Ok;
        }
    }

    private static ChainProcess StartHardware(ChainFolder folder, ChainWatch chain) => ChainProcess.Start(
        "hardware",
        ["hardware", "--state", folder.HardwareState, "--listen", "unix:" + folder.HardwareSocket, "--startup", "clear", "--stop-with-parent"],
        "]: ready",
        chain);

    private static ChainProcess StartManager(ChainFolder folder, TpmAddress hardware, string[] arguments, ChainWatch chain) => ChainProcess.Start(
        "manager",
        ["manager", "--image", folder.ManagerImage, "--provision", folder.ApprovalKey, "--listen", "unix:" + folder.ManagerSocket, "--admin", "unix:" + folder.AdminSocket, "--stop-with-parent", $"tpmdriver={hardware}", .. arguments],
        "Waiting for commands from vTPM's:",
        chain);

    private static ChainProcess StartVtpm(ChainFolder folder, string[] arguments, ChainWatch chain) => ChainProcess.Start(
        "vtpm",
        ["run", "--image", folder.VtpmImage, "--manager", "unix:" + folder.ManagerSocket, "--uuid", folder.Uuid.ToString(), "--listen", "unix:" + folder.VtpmSocket, "--stop-with-parent", .. arguments],
        "]: ready",
        chain);

    private static void ShowHowToConnect(ChainFolder folder) => Log.Line($"""
        The vTPM is ready. To use it:
          raw TPM commands     {folder.VtpmSocket}
          TCG software stack   TCSD_UN_SOCKET_DEVICE_PATH={folder.VtpmSocket} tcsd -e -f     (as root; then tpm_version, tpm_takeownership, ...)
          what the chain is    vtpm status --dir {folder.Path}
          groups and vTPMs     vtpm manage --dir {folder.Path} list
        Ctrl-C stops everything; the same command brings it back.
        """);
}
