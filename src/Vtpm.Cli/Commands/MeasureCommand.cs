using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Vtpm.Boot;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm measure</c>: what a domain builder does so that a guest's PCRs 4 and 5 say what it was started with.</summary>
internal static class MeasureCommand
{
    private const string Description = """
        Measures what a guest is to be started with: the SHA-1 of its kernel into PCR 4, those of its command line and its initrd into PCR 5.

        Prints the measurements, and what PCRs 4 and 5 of a fresh vTPM will hold. With --backend they are left with 'vtpm tpmback', to be extended when
        the vTPM starts for the guest's next domain; with --tpm they are extended at once. They are used up by one start: measure again before the next,
        or let xl do it by bootloader="vtpm-bootloader" (see 'vtpm bootloader').

        Examples:
          vtpm measure /etc/xen/guest.cfg
              What will be in the guest's PCRs, for a seal or a verifier.
          vtpm measure /etc/xen/guest.cfg --backend unix:/run/vtpm/tpmback.sock && xl create /etc/xen/guest.cfg
              And leaves it for the vTPM that the configuration's vtpm=[...] names.
          vtpm measure --kernel vmlinuz --ramdisk initrd.img --command-line 'root=/dev/xvda1 ro' --json
              Without a configuration.
          vtpm measure /etc/xen/guest.cfg --tpm unix:guest.sock
              Into a vTPM that is started already, before its guest is.
        """;

    public static Command Create()
    {
        var configuration = new Argument<string?>("configuration") { Description = "The guest's xl configuration.", Arity = ArgumentArity.ZeroOrOne };
        var files = new BootFileOptions();
        Option<TpmAddress> tpm = Options.Address("--tpm", "A TPM to extend at once: unix:PATH, tcp:HOST:PORT or a device.");
        var backend = new Option<string>("--backend")
            { Description = $"Where 'vtpm tpmback' has its control socket, such as unix:{BackendControl.DefaultPath}.", HelpName = "ADDRESS" };
        var uuid = new Option<Guid?>("--uuid")
            { Description = "For --backend, which vTPM; without it, the only one of the configuration's vtpm=[...].", HelpName = "UUID" };
        var command = new Command("measure", Description) { configuration, files.Kernel, files.Ramdisk, files.CommandLine, tpm, backend, uuid, Output.Json };
        command.SetAction(result =>
        {
            string? path = result.GetValue(configuration);
            string? socket = ControlSocket(result.GetValue(backend));
            Guid? wanted = result.GetValue(uuid);
            if (wanted is not null && socket is null) throw new UsageException("--uuid says which vTPM --backend is to extend: give both");
            XlGuest? guest = path is null ? null : ReadGuest(path);
            BootFiles boot = files.Read(result, guest);
            // Before anything is left or extended.
            Guid? left = socket is null ? null : wanted ?? OnlyVtpm(path, guest);
            MeasuredBoot measured = boot.Measure();
            if (left is { } vtpm) BackendControl.Leave(socket!, vtpm, measured.Measurements);
            ImmutableSortedDictionary<int, TpmDigest>? extended = result.GetValue(tpm) is { } address ? Extend(address, measured) : null;
            if (result.GetValue(Output.Json)) WriteJson(boot, measured, left, extended);
            else Write(boot, measured, left, extended);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static XlGuest ReadGuest(string path)
    {
        try
        {
            return XlGuest.From(XlConfiguration.Parse(UserFile.Read(path)));
        }
        catch (BootException exception)
        {
            throw new CommandException($"{path}: {exception.Message}");
        }
    }

    public static string? ControlSocket(string? address)
    {
        const string scheme = "unix:";
        if (address is null) return null;
        if (address.StartsWith(scheme, StringComparison.Ordinal) && address.Length > scheme.Length) return address[scheme.Length..];
        throw new UsageException($"--backend {address}: write unix:PATH, such as unix:{BackendControl.DefaultPath}");
    }

    private static Guid OnlyVtpm(string? path, XlGuest? guest)
    {
        if (guest is null) throw new UsageException("--backend needs --uuid where there is no configuration with a vtpm=[...]");
        if (guest.Vtpms.IsEmpty) throw new CommandException($"{path} has no vtpm=[...]: give the guest one, or say by --uuid which vTPM it gets later");
        if (guest.Vtpms.Length > 1)
            throw new CommandException($"{path} has {guest.Vtpms.Length} vTPMs: say by --uuid which one is to be extended ({string.Join(", ", guest.Vtpms.Select(v => v.Uuid))})");
        XlVtpm vtpm = guest.Vtpms[0];
        if (!vtpm.IsInDom0)
            throw new CommandException($"{path}: its vTPM's backend is the domain {vtpm.Backend}, and nothing can be left there from here; run this there, with --uuid");
        return vtpm.Uuid
            ?? throw new CommandException($"{path}: its vtpm=[...] has no uuid=, and the toolstack makes one up at every start: write uuid={Guid.NewGuid()}");
    }

    private static ImmutableSortedDictionary<int, TpmDigest> Extend(TpmAddress address, MeasuredBoot measured)
    {
        using var tpm = new TpmClient(XenDevices.Connect(address));
        return measured.Extend(tpm);
    }

    private static void Write(BootFiles boot, MeasuredBoot measured, Guid? left, ImmutableSortedDictionary<int, TpmDigest>? extended)
    {
        Log.Line($"PCR {MeasuredBoot.KernelPcr} <- {measured.Kernel}  kernel {boot.Kernel}");
        Log.Line($"PCR {MeasuredBoot.ArgumentsPcr} <- {measured.CommandLine}  command line '{Printable(boot.CommandLine.Span)}'");
        Log.Line($"PCR {MeasuredBoot.ArgumentsPcr} <- {measured.Initrd}  {(boot.Ramdisk is null ? "no initrd" : $"initrd {boot.Ramdisk}")}");
        foreach ((int pcr, TpmDigest value) in extended ?? measured.FreshPcrs) Log.Line($"PCR {pcr} = {value}{(extended is null ? "  in a fresh vTPM" : "")}");
        if (left is not null) Log.Line($"left for the next start of vTPM {left}");
    }

    private static void WriteJson(BootFiles boot, MeasuredBoot measured, Guid? left, ImmutableSortedDictionary<int, TpmDigest>? extended) => Output.WriteObject(json =>
    {
        json.WriteString("kernel", boot.Kernel);
        if (boot.Ramdisk is not null) json.WriteString("ramdisk", boot.Ramdisk);
        json.WriteString("commandLine", Encoding.Latin1.GetString(boot.CommandLine.Span));
        json.WriteStartArray("measurements");
        foreach (BootMeasurement measurement in measured.Measurements)
        {
            json.WriteStartObject();
            json.WriteNumber("pcr", measurement.Pcr);
            json.WriteString("digest", measurement.Digest.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject(extended is null ? "freshPcrs" : "pcrs");
        foreach ((int pcr, TpmDigest value) in extended ?? measured.FreshPcrs) json.WriteString(pcr.ToString(CultureInfo.InvariantCulture), value.ToString());
        json.WriteEndObject();
        if (left is not null) json.WriteString("left", left.ToString());
    });

    private static string Printable(ReadOnlySpan<byte> text) =>
        string.Concat(Encoding.Latin1.GetString(text).Select(c => c is >= ' ' and <= '~' ? c.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}")));
}
