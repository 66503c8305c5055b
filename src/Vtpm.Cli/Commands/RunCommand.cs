using System.CommandLine;
using Vtpm.Crypto;
using Vtpm.Instance;
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
        Option<TpmAddress[]> listen = Options.Listen();
        Option<string> mode = Options.SocketMode();
        var arguments = new Argument<string[]>("argument") { Description = "Xen's arguments.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("run", "One vTPM: a TPM 1.2 whose state is encrypted on its own image, with the key at the manager." + Examples)
            { image, manager, uuid, manufacture, withoutEK, listen, mode, Options.StopWithParent, arguments };
        command.SetAction(result =>
        {
            var options = new VtpmOptions(
                result.GetRequiredValue(image),
                result.GetValue(manufacture) ? ManufacturePolicy.Always : ManufacturePolicy.WhenBlank,
                WithEndorsementKey: !result.GetValue(withoutEK));
            Run(
                options, VtpmArguments.Parse(result.GetValue(arguments) ?? []), result.GetRequiredValue(manager), result.GetValue(uuid),
                result.GetRequiredValue(listen), Options.ParseMode(result.GetRequiredValue(mode)), result.GetValue(Options.StopWithParent));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static void Run(
        VtpmOptions options, VtpmArguments arguments, TpmAddress manager, Guid? uuid, TpmAddress[] addresses, UnixFileMode mode, bool stopWithParent)
    {
        bool onXen = addresses.Contains(TpmAddress.Xen);
        // Before anything is started: a start can make a TPM.
        if (onXen && addresses.Length > 1) throw new UsageException("--listen xen: stands alone: one thread serves all clients of a vTPM");
        var log = new Log("VTPM") { IsQuiet = arguments.LogLevel == VtpmLogLevel.Error };
        // Who started us waits for this line, however quiet we are to be.
        var ready = new Log("VTPM") { IsQuiet = log.IsQuiet && !stopWithParent };
        log.Info($"vTPM {uuid?.ToString() ?? "of " + manager} starts on {options.ImagePath}");
        using var random = new SystemRandom();
        using VirtualTpm vtpm =
            VirtualTpm.Start(options, arguments, new ManagerLink(() => XenDevices.Connect(manager)), random, new OpenSslRsa(), log.Info, log.Warn);
        if (onXen)
        {
            using var xen = new XenDevices(
                new GuestRequests(vtpm, arguments, log.Info), new GuestDomains(vtpm.Reset, log.Warn), uuid, log.Info);
            Service.Until(xen.Stop, stopWithParent, () =>
            {
                ready.Info("ready");
                xen.Run();
            });
            log.Info("the vTPM is off");
            return;
        }

        using var guests = new GuestServer(vtpm, arguments, log.Info, mode, log.Warn);
        foreach (TpmAddress address in addresses) log.Info($"listening on {guests.Server.Listen(address).Address}");
        Service.Run(guests.Server, stopWithParent, () => ready.Info("ready"));
        log.Info("the vTPM is off");
    }
}
