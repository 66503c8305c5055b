using System.CommandLine;
using Vtpm.Backend;
using Vtpm.Confinement;
using Vtpm.Instance;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Cli;

/// <summary><c>vtpm tpmback</c>: the service of a backend domain.</summary>
internal static class TpmbackCommand
{
    private const string Examples = """

        It serves the guests whose configuration has vtpm=["backend=THIS_DOMAIN,uuid=UUID"]: dom0 is backend=0, a driver domain its name. Each guest's
        vTPM is a process of its own, with a user of its own, which can open and connect to nothing. 'vtpm status' shows them.

        Xen's own arguments come last and are for all vTPMs: loglevel=error|info|debug, save, deactivated, maintcmds=1|0, hwinitpcr=all|none|N|X-Y[,...],
        locality=LABEL=N[,N...]. A guest's LABEL is its XSM label, or xen:DOMAIN/DEVICE where XSM is off.

        Examples:
          vtpm tpmback --manager unix:/run/vtpm/host.sock
              The service of dom0, with a manager that was started with --host unix:/run/vtpm/host.sock. Images are made in /var/lib/vtpm.
          vtpm tpmback --manager unix:/run/vtpm/host.sock --require-measurement
              No guest starts whose kernel was not measured before (vtpm measure).
          vtpm tpmback --manager unix:/run/vtpm/host.sock --images /dev/vg0 locality=xen:5/0=0,1,2
              Other images; and which localities a guest may use.
        """;

    public static Command Create()
    {
        Option<TpmAddress> manager = Options.Address("--manager", "The manager's socket for this domain (vtpm manager --host): unix:PATH.");
        manager.Required = true;
        var images = new Option<string>("--images")
        {
            Description = "The folder of the vTPMs' images, UUID.img; a new vTPM's is made.",
            HelpName = "FOLDER",
            DefaultValueFactory = _ => BackendOptions.DefaultImages,
        };
        var run = new Option<string>("--run")
        {
            Description = "The folder of the control socket and of what is known of guests' boots; in memory, since it must not outlive the machine.",
            HelpName = "FOLDER",
            DefaultValueFactory = _ => BackendOptions.DefaultRunFolder,
        };
        var control = new Option<string>("--control") { Description = "The control socket; tpmback.sock in the folder of --run by default.", HelpName = "PATH" };
        var measured = new Option<bool>("--require-measurement") { Description = "A guest whose measurements nobody has left does not start." };
        var users = new Option<string>("--users")
        {
            Description = "Users for vTPMs' processes, one for each that runs; they need no entry in /etc/passwd, and must own nothing.",
            HelpName = "FIRST-LAST",
            DefaultValueFactory = _ => SandboxUserRange.Default,
        };
        var withoutEK = new Option<bool>("--without-ek") { Description = "A new TPM gets no endorsement key: the guest makes it." };
        var arguments = new Argument<string[]>("argument") { Description = "Xen's arguments, for all vTPMs.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("tpmback", "The service of a Xen backend domain: a confined vTPM for each guest that the toolstack gives one." + Examples)
            { manager, images, run, control, measured, users, withoutEK, Options.StopWithParent, arguments };
        command.SetAction(result =>
        {
            string runFolder = result.GetRequiredValue(run);
            string[] given = result.GetValue(arguments) ?? [];
            var parsed = VtpmArguments.Parse(given);   // each vTPM would refuse to start by a wrong one
            // Never quiet, whatever the vTPMs are: who has no record of a boot is to be seen.
            var log = new Log("TPMBACK");
            var options = new BackendOptions
            {
                Manager = HostSocket(result.GetRequiredValue(manager)),
                Images = result.GetRequiredValue(images),
                RunFolder = runFolder,
                RequireMeasurement = result.GetValue(measured),
                Log = log.Info,
                ProcessLog = Log.Relay,
            };
            // A line for each command was asked for.
            if (parsed.LogLevel == VtpmLogLevel.Debug) options = options with { ProcessLogInterval = TimeSpan.FromMilliseconds(10) };
            IReadOnlyList<string> child = result.GetValue(withoutEK) ? ["--without-ek", .. given] : given;
            var launcher = new VtpmLauncher(Environment.ProcessPath!, child, Users(result.GetRequiredValue(users)));
            Run(options, launcher, result.GetValue(control) ?? Path.Combine(runFolder, "tpmback.sock"), result.GetValue(Options.StopWithParent), log);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static void Run(BackendOptions options, VtpmLauncher launcher, string control, bool stopWithParent, Log log)
    {
        using LinuxXenHost xen = LinuxXenHost.Open();
        using var service = new BackendService(xen, launcher, options);
        service.Prepare();
        using var socket = new ControlSocket(service, control);
        Service.Until(service.Stop, stopWithParent, () =>
        {
            log.Info($"serves this domain's vTPM devices; images in {options.Images}");
            service.Run();
        });
        log.Info("the service is off");
    }

    private static TpmAddress HostSocket(TpmAddress address) =>
        address.Kind == TpmAddressKind.Unix ? address : throw new UsageException($"--manager {address}: write unix:PATH, the socket of 'vtpm manager --host unix:PATH'");

    private static SandboxUserRange Users(string text)
    {
        try
        {
            return SandboxUserRange.Parse(text);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--users {text}: {exception.Message}");
        }
    }
}
