using System.Globalization;

namespace Vtpm.Bench;

/// <summary>
/// Guests with vTPMs, on a real Xen that QEMU emulates by software alone. So the numbers are of no real machine: what says something is how they compare
/// with swtpm's on a socket of the same dom0, in the same run.
/// </summary>
internal sealed class XenFigures(string script, Peer ours, Peer theirs, Scale scale, string stateOn)
{
    public const string Name = "xen";

    /// <summary>What a reader must know of these figures.</summary>
    public static string[] Notes { get; } =
    [
        "Xen, dom0 and guests in QEMU (software emulation, one CPU for all of them): only ratios mean something. State is in dom0's memory. "
            + "swtpm is in the same dom0, asked by a program there through its Unix socket.",
        "What is not emulated is of this machine: the vTPM's process as vtpm tpmback starts it, confined and with the record of its guest's boot, and "
            + "swtpm on its socket.",
        "For each command a vTPM's process behind its link makes 2 system calls, on a socket 3, as swtpm does; vtpm tpmback makes 7 (strace).",
        "All round trips are of TPM_PCRRead. Linux's xen-tpmfront looks for the response every 5 ms and not when it is told that it is there; "
            + "a program with our tpmfront waits for the event.",
        "From xl create to ready: until a program in the guest has had an answer by /dev/tpm0, or, without a vTPM, until it runs; of a vTPM's domain, "
            + "until it says that it serves.",
    ];

    public IEnumerable<(string Name, Func<Row[]> Run)> Steps() =>
    [
        ("xen: a vTPM behind its link, on this machine", new LinkFigures(ours, theirs, scale, stateOn).Run),
        ("xen: in QEMU, round trips, time, memory, start (a few minutes)", Run),
    ];

    /// <summary>The table of docs/adr/0017-stub-domain-images.md; nothing where the machine was not run.</summary>
    public IReadOnlyList<string> StubDomains { get; private set; } = [];

    private Row[] Run()
    {
        XenMachine machine = XenMachine.Run(script, ours.Executable, scale);
        StubDomains =
        [
            "| | `memory=` | of it left at the start | left in the end | the program at most, with its code |",
            "|---|---:|---:|---:|---:|",
            StubDomain(machine, "a vTPM", "vtpm-domain"),
            StubDomain(machine, "the manager", "manager-domain"),
        ];
        return [.. RoundTrips(machine), .. Time(machine), .. Memory(machine), .. Start(machine)];
    }

    private static Row[] RoundTrips(XenMachine machine)
    {
        Samples theirs = Milliseconds("swtpm.trip");
        return
        [
            new("Socket in dom0: round trip", Unit.Milliseconds, Milliseconds("socket.trip"), theirs),
            Of("Guest's user space to dom0: round trip", "front.trip"),
            Of("Guest's /dev/tpm0 to dom0: round trip", "kernel.trip"),
            Of("Guest's user space to a driver domain: round trip", "far.trip"),
            Of("Guest's user space to a vTPM's domain: round trip", "domain.trip"),
            Of("Guest's /dev/tpm0 to a vTPM's domain: round trip", "domain-kernel.trip"),
        ];

        Row Of(string figure, string name) => new(figure, Unit.Milliseconds, Milliseconds(name), theirs, Other: " (socket)");

        Samples Milliseconds(string name) => machine.Figure(name).Select(microseconds => microseconds / 1000);
    }

    private static Row[] Time(XenMachine machine)
    {
        Samples theirs = machine.Figure("swtpm.cpu");
        return
        [
            new("Socket in dom0: vTPM", Unit.Microseconds, machine.Figure("socket.cpu"), theirs),
            new("Guest's user space to dom0: vTPM", Unit.Microseconds, machine.Figure("front-vtpm.cpu"), theirs, Other: " (socket)"),
            new("Guest's user space to dom0: vtpm tpmback", Unit.Microseconds, machine.Figure("front-tpmback.cpu")),
            new("Guest's /dev/tpm0 to dom0: vTPM", Unit.Microseconds, machine.Figure("kernel-vtpm.cpu"), theirs, Other: " (socket)"),
            new("Guest's /dev/tpm0 to dom0: vtpm tpmback", Unit.Microseconds, machine.Figure("kernel-tpmback.cpu")),
            new("Guest's user space to a vTPM's domain: all of that domain", Unit.Microseconds, machine.Figure("domain.cpu")),
            new("Guest's /dev/tpm0 to a vTPM's domain: all of that domain", Unit.Microseconds, machine.Figure("domain-kernel.cpu")),
        ];
    }

    private static Row[] Memory(XenMachine machine)
    {
        Samples theirs = machine.Figure("swtpm.memory");
        return
        [
            new("PSS of a vTPM on a socket", Unit.Kibibytes, machine.Figure("socket.memory"), theirs),
            new("PSS of a guest's vTPM under vtpm tpmback, in dom0", Unit.Kibibytes, machine.Figure("dom0-vtpm.memory"), theirs),
            new("PSS of vtpm tpmback, one for all guests, in dom0", Unit.Kibibytes, machine.Figure("dom0-tpmback.memory")),
            new("PSS of a guest's vTPM under vtpm tpmback, in a driver domain", Unit.Kibibytes, machine.Figure("far-vtpm.memory"), theirs),
            new("PSS of vtpm tpmback, one for all guests, in a driver domain", Unit.Kibibytes, machine.Figure("far-tpmback.memory")),
            .. Domain(machine, "a vTPM's domain", "vtpm-domain"),
            .. Domain(machine, "the manager's domain", "manager-domain"),
        ];
    }

    private static string StubDomain(XenMachine machine, string which, string name)
    {
        return $"| {which} | {Megabytes("given", "0")} | {Megabytes("first", "0.0")} | {Megabytes("last", "0.0")} | {Megabytes("program", "0.0")} |";

        string Megabytes(string figure, string format) =>
            (machine.Figure($"{name}.{figure}").Median / 1024).ToString(format, CultureInfo.InvariantCulture) + " MB";
    }

    /// <summary>A stub domain, as it says itself on its console.</summary>
    private static Row[] Domain(XenMachine machine, string which, string name) =>
    [
        new($"Memory of {which}: given", Unit.Kibibytes, machine.Figure($"{name}.given")),
        new("Of that: left when its program starts", Unit.Kibibytes, machine.Figure($"{name}.first")),
        new("Of that: left in the end", Unit.Kibibytes, machine.Figure($"{name}.last")),
        new("Of that: its program at most, with its code", Unit.Kibibytes, machine.Figure($"{name}.program")),
    ];

    private static Row[] Start(XenMachine machine) =>
    [
        new("xl create to ready, a guest without a vTPM", Unit.Milliseconds, machine.Figure("plain.ready")),
        new("xl create to ready, with a vTPM that has been there before", Unit.Milliseconds, machine.Figure("known.ready")),
        new("Of that: from the device in xenstore until the backend waits", Unit.Milliseconds, machine.Between("known.device", "known.waits")),
        new("xl create to ready, with a new vTPM (without an endorsement key)", Unit.Milliseconds, machine.Figure("new.ready")),
        new("Of that: from the device in xenstore until the backend waits", Unit.Milliseconds, machine.Between("new.device", "new.waits")),
        new("xl create to ready, a vTPM's domain that has been there before", Unit.Milliseconds, machine.Figure("domain.ready")),
    ];
}
