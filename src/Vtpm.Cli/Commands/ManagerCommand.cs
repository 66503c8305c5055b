using System.CommandLine;
using Vtpm.Manager;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Cli;

/// <summary><c>vtpm manager</c>: the vTPM manager.</summary>
internal static class ManagerCommand
{
    private const string Examples = """

        Xen's own arguments come last, as in the manager domain's extra=:
          tpmdriver=    the hardware TPM: tpm_tis (its registers, through /dev/mem; the default), tpmfront (the vTPM of this Xen domain), or where one
                        is: /dev/tpm0, unix:PATH, tcp:HOST:PORT. A machine whose kernel drives its TPM is for /dev/tpm0.
          tpmlocality=  0 to 4: the image is sealed to it, and tpm_tis uses it; resetting PCRs 20 to 23 needs 2 or more
          tpmiomem=     where tpm_tis finds the registers, if not at 0xfed40000
          tpmirq=       N or probe; accepted, and not used: tpm_tis polls
          owner_auth=, srk_auth=  well-known, hash:HEX or text:PASSWORD; or @FILE with one of these in it, since everybody on the machine can read a
                        command line
          tpm2=1        the hardware is a TPM 2.0, which seals but gives no deep quotes; owner_auth= is its storage hierarchy's then
          srk_handle=   0x81xxxxxx: the storage key of a TPM 2.0 to seal under, in the place of the usual one

        A vTPM is known by the socket that it comes in by: one Unix socket each, named after its uuid, in a folder that exists. Those of Xen's guests
        come by --host, the socket of the service that has the guests' devices. In a Xen domain of its own the manager listens on xen:, for vTPMs that
        are domains too; sockets beside it are for administrators who work there.

        Examples:
          vtpm manager --image manager.img --listen unix:vtpms/1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10.sock tpmdriver=/dev/tpm0
              The manager of one vTPM, on this machine's TPM.
          vtpm manager --image manager.img --provision approval.pem --listen unix:vtpms/1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10.sock tpmdriver=unix:hw.sock
              The same on the stand-in hardware; at the first start an approval key is made and the present PCRs are approved with it.
          vtpm manager --image manager.img --authority authority.modulus --host unix:host.sock tpmdriver=/dev/tpm0
              The same for an authority elsewhere, whose 'vtpm approve key' has made that file; and for all guests of a Xen host, by 'vtpm tpmback'.
          vtpm manager --image /dev/xvda --listen xen: --authority KEY --admin-vtpm 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10 tpmdriver=tpm_tis
              A domain of its own, whose vTPMs are domains too; that one vTPM's guest administers it.
          vtpm manager --image manager.img --admin unix:admin.sock tpmdriver=/dev/tpm0
              A manager that an authority elsewhere is to provision: vtpm manage --manager unix:admin.sock group-add FILE, then group-update.
        """;

    private static readonly string OnXen = TpmAddress.Xen.ToString();

    public static Command Create()
    {
        var image = new Option<string>("--image")
        {
            Description = "The manager's image, a file or a block device; a file is made when it does not exist.",
            HelpName = "PATH",
            Required = true,
        };
        var listen = new Option<string[]>("--listen")
        {
            Description = "A vTPM's socket: unix:PATH/UUID.sock, or UUID=unix:PATH; given once for each vTPM. Or xen:, for the domains that have a vTPM "
                + "device of this one.",
            HelpName = "SOCKET",
        };
        Option<TpmAddress> host = Options.Address("--host",
            "A Unix socket for 'vtpm tpmback', which says which vTPM each of its connections is for: whoever can open it can be every vTPM.");
        Option<TpmAddress> admin = Options.Address("--admin", "A Unix socket for management commands: whoever can open it administers the manager.");
        var firstStart = new FirstStart();
        var firstIsAdmin = new Option<bool>("--first-is-admin")
            { Description = "The very first vTPM becomes an administrator for good, as with the original." };
        var adminVtpms = new Option<Guid[]>("--admin-vtpm")
            { Description = "A vTPM that may give management commands while this manager runs; may be given several times.", HelpName = "UUID" };
        var measurePeers = new Option<bool>("--measure-peers")
            { Description = "Measure the executable of whoever connects to a vTPM's socket: a configuration may have its SHA-1 as a kernel." };
        var createFresh = new Option<bool>("--manufacture")
            { Description = "Replace an image that does not open by an empty one: every key in it is lost." };
        var recovery = new Option<string>("--recovery")
            { Description = "Open an image that no seal opens by this recovery key ('vtpm approve escrow-open').", HelpName = "FILE" };
        Option<string> acceptRestored = Options.AcceptRestored();
        Option<string> protection = Protection();
        Option<int> interval = CounterInterval();
        var arguments = new Argument<string[]>("argument") { Description = "Xen's arguments.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("manager", "The vTPM manager: keeps the keys of the vTPMs, sealed to the hardware TPM." + Examples)
        {
            image, listen, host, admin, firstIsAdmin, adminVtpms, measurePeers, createFresh, recovery, acceptRestored, protection, interval,
            Options.StopWithParent, arguments,
        };
        firstStart.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(listen) is null && result.GetResult(host) is null && result.GetResult(admin) is null)
                result.AddError("--listen for vTPMs, --host for a backend domain's service, --admin for administrators: the manager has to listen somewhere");
            if (result.GetResult(recovery) is not null && result.GetValue(createFresh))
                result.AddError("--recovery opens the image that is there, and --manufacture replaces it: give one of them");
        });
        command.SetAction(result =>
        {
            string[] ways = result.GetValue(listen) ?? [];
            using IXenHost? xen = ways.Contains(OnXen) ? LinuxXenHost.Open() : null;
            using ManagerRecoveryKey? recoveryKey = EscrowCommands.ReadRecoveryKey(result.GetValue(recovery));
            ManagerOptions options = ManagerArguments.Parse(result.GetValue(arguments) ?? []) with
            {
                ImagePath = result.GetRequiredValue(image),
                Vtpms = [.. ways.Where(way => way != OnXen).Select(Listener)],
                Xen = xen,
                Host = result.GetValue(host),
                Admin = result.GetValue(admin),
                FirstIsAdmin = result.GetValue(firstIsAdmin),
                AdminVtpms = result.GetValue(adminVtpms) ?? [],
                MeasurePeers = result.GetValue(measurePeers),
                CreateFresh = result.GetValue(createFresh),
                RecoveryKey = recoveryKey,
                AcceptRestored = result.GetValue(acceptRestored),
                RollbackProtection = ProtectionOf(result.GetValue(protection)),
                CounterInterval = TimeSpan.FromMinutes(result.GetValue(interval)),
                Log = Log.ServiceLine,
            };
            Run(options, firstStart.Read(result), result.GetValue(Options.StopWithParent));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Option<string> Protection()
    {
        var option = new Option<string>("--rollback-protection")
        {
            Description = "Whether an older image that is put back has to be noticed: required (else do not start), possible (where the hardware TPM can), off (do not begin with it).",
            HelpName = "WHEN",
            DefaultValueFactory = _ => "possible",
        };
        option.AcceptOnlyFromAmong("required", "possible", "off");
        return option;
    }

    private static RollbackProtection ProtectionOf(string? word) => word switch
    {
        "required" => RollbackProtection.Required,
        "off" => RollbackProtection.Off,
        _ => RollbackProtection.WhenPossible,
    };

    private static Option<int> CounterInterval()
    {
        const int longest = 7 * 24 * 60;
        var option = new Option<int>("--counter-interval")
        {
            Description = "At most so often vTPMs' saves count the hardware TPM's counter, which wears: copies of the image that are younger pass for it.",
            HelpName = "MINUTES",
            DefaultValueFactory = _ => 10,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > longest) result.AddError($"--counter-interval: 1 to {longest} minutes");
        });
        return option;
    }

    private static void Run(ManagerOptions options, Action<VtpmManager> atFirstStart, bool stopWithParent)
    {
        using VtpmManager manager = VtpmManager.Start(options);
        atFirstStart(manager);
        using var stop = new CancellationTokenSource();
        Service.Until(stop.Cancel, stopWithParent, () => manager.Run(stop.Token));
    }

    private static VtpmListener Listener(string text)
    {
        try
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            TpmAddress address = TpmAddress.Parse(text[(equals + 1)..]);
            string name = equals < 0 ? Path.GetFileNameWithoutExtension(address.Name) : text[..equals];
            return Guid.TryParse(name, out Guid uuid)
                ? new VtpmListener(uuid, address)
                : throw new UsageException($"--listen {text}: '{name}' is not a uuid; write unix:PATH/UUID.sock or UUID=unix:PATH");
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--listen {text}: {exception.Message}");
        }
    }
}
