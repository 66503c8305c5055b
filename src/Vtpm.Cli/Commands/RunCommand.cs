using System.CommandLine;
using Vtpm.Confinement;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary><c>vtpm run</c>: one vTPM.</summary>
internal static class RunCommand
{
    private const string Examples = """

        Xen's own arguments come last, as in a stub domain's extra=: loglevel=error|info|debug, clear, save, deactivated, maintcmds=1|0,
        hwinitpcr=all|none|N|X-Y[,...], locality=LABEL=N[,N...]. A client's LABEL is unix:PATH or tcp:HOST:PORT; on Xen, it is the guest's XSM
        label, or xen:DOMAIN/DEVICE where XSM is off.

        Examples:
          vtpm run --image guest.img --manager unix:vtpms/1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10.sock --listen unix:guest.sock
              One vTPM; its key is kept by the manager, and what comes in by that socket is the vTPM of that uuid.
          vtpm run --image /dev/vg0/guest-vtpm --manager unix:vtpms/9f5b2c1e-7a53-4c0e-8a3c-52d1c0a7e611.sock --listen tcp:127.0.0.1:2322 hwinitpcr=0-7 loglevel=debug
              On a block device, with the PCRs 0 to 7 of the hardware.
          vtpm run --image guest.img --manager unix:vtpms/1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10.sock --uuid 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10 --listen xen:
              On Xen, for the guest whose configuration has vtpm=["backend=0,uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10"].
        """;

    public static Command Create()
    {
        var image = new Option<string>("--image")
            { Description = "The disk image, a file or a block device; a new vTPM's file is made.", HelpName = "PATH", Required = true };
        Option<TpmAddress> manager = Options.Address("--manager", "The manager's socket for this vTPM.");
        manager.Required = true;
        var uuid = new Option<Guid?>("--uuid")
        {
            Description = "The vTPM's uuid: on Xen, that of the guests' devices; else for the log, since the manager knows it by the socket.",
            HelpName = "UUID",
        };
        var manufacture = new Option<bool>("--manufacture") { Description = "Make a new TPM and give up what this vTPM held before." };
        var withoutEK = new Option<bool>("--without-ek") { Description = "A new TPM gets no endorsement key: the guest makes it." };
        var confine = new Option<string>("--confine")
        {
            Description = "Confine the vTPM: it runs as this user, a name or a number of its own, and can open, connect to and start nothing.",
            HelpName = "USER[:GROUP]",
        };
        Option<TpmAddress[]> listen = Options.Listen();
        listen.Required = false;
        Option<string> mode = Options.SocketMode();
        var arguments = new Argument<string[]>("argument") { Description = "Xen's arguments.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("run", "One vTPM: a TPM 1.2 whose state is encrypted on its own image, with the key at the manager." + Examples)
            { image, manager, uuid, manufacture, withoutEK, confine, InnerProcess.ImageIsNew, InnerProcess.Requests, InnerProcess.BootRecord, listen, mode, Options.StopWithParent, arguments };
        command.Validators.Add(result =>
        {
            if (result.GetResult(listen) is null && result.GetResult(InnerProcess.Requests) is null) result.AddError("Option '--listen' is required.");
        });
        command.SetAction(result =>
        {
            TpmAddress[] addresses = result.GetValue(listen) ?? [];
            // Before anything is started: a start can make a TPM.
            if (addresses.Contains(TpmAddress.Xen) && addresses.Length > 1)
                throw new UsageException("--listen xen: stands alone: one thread serves all clients of a vTPM");
            var given = new VtpmRun(result.GetRequiredValue(image), result.GetRequiredValue(manager), addresses)
            {
                Uuid = result.GetValue(uuid),
                Manufacture = result.GetValue(manufacture),
                WithoutEndorsementKey = result.GetValue(withoutEK),
                User = result.GetValue(confine) is { } user ? ParseUser(user) : null,
                ImageIsNew = result.GetValue(InnerProcess.ImageIsNew),
                Requests = result.GetValue(InnerProcess.Requests)?.Port,
                BootRecord = result.GetValue(InnerProcess.BootRecord)?.Port,
                SocketMode = Options.ParseMode(result.GetRequiredValue(mode)),
                StopWithParent = result.GetValue(Options.StopWithParent),
                XenArguments = result.GetValue(arguments) ?? [],
            };
            return (int)given.Run();
        });
        return command;
    }

    private static SandboxUser ParseUser(string text)
    {
        try
        {
            return SandboxUser.Parse(text);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--confine {text}: {exception.Message}");
        }
    }
}
