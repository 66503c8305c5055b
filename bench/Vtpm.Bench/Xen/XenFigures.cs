namespace Vtpm.Bench;

/// <summary>
/// Guests with vTPMs, on a real Xen that QEMU emulates by software alone. So the numbers are of no real machine: what says something is how they compare
/// with swtpm's on a socket of the same dom0, in the same run.
/// </summary>
internal sealed class XenFigures(string script, string vtpm, Scale scale)
{
    public const string Name = "xen";

    /// <summary>What a reader must know of these figures.</summary>
    public static string[] Notes { get; } =
    [
        "Xen, dom0 and guests in QEMU (software emulation, one CPU for all of them): only ratios mean something. State is in dom0's memory. "
            + "swtpm is in the same dom0, asked by a program there through its Unix socket.",
        "All round trips are of TPM_PCRRead. Linux's xen-tpmfront looks for the response every 5 ms and not when it is told that it is there; "
            + "a program with our tpmfront waits for the event.",
        "From xl create to ready: until a program in the guest has had an answer by /dev/tpm0, or, without a vTPM, until it runs.",
    ];

    public IEnumerable<(string Name, Func<Row[]> Run)> Steps() => [("xen in QEMU: round trips, time, memory, start (a few minutes)", Run)];

    private Row[] Run()
    {
        XenMachine machine = XenMachine.Run(script, vtpm, scale);
        return [.. RoundTrips(machine), .. Time(machine), .. Memory(machine), .. Start(machine)];
    }

    private static Row[] RoundTrips(XenMachine machine)
    {
        Samples theirs = Milliseconds(machine, "swtpm.trip");
        return
        [
            new("Socket in dom0: round trip", Unit.Milliseconds, Milliseconds(machine, "socket.trip"), theirs),
            new("Guest's user space to dom0: round trip", Unit.Milliseconds, Milliseconds(machine, "front.trip"), theirs, Other: " (socket)"),
            new("Guest's /dev/tpm0 to dom0: round trip", Unit.Milliseconds, Milliseconds(machine, "kernel.trip"), theirs, Other: " (socket)"),
        ];

        static Samples Milliseconds(XenMachine machine, string name) => machine.Figure(name).Select(microseconds => microseconds / 1000);
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
        ];
    }

    private static Row[] Memory(XenMachine machine) =>
    [
        new("PSS of a vTPM on a socket", Unit.Kibibytes, machine.Figure("socket.memory"), machine.Figure("swtpm.memory")),
        new("PSS of a guest's vTPM under vtpm tpmback", Unit.Kibibytes, machine.Figure("vtpm.memory"), machine.Figure("swtpm.memory")),
        new("PSS of vtpm tpmback, one for all guests", Unit.Kibibytes, machine.Figure("tpmback.memory")),
    ];

    private static Row[] Start(XenMachine machine) =>
    [
        new("xl create to ready, a guest without a vTPM", Unit.Milliseconds, machine.Figure("plain.ready")),
        new("xl create to ready, with a vTPM that has been there before", Unit.Milliseconds, machine.Figure("known.ready")),
        new("Of that: from the device in xenstore until the backend waits", Unit.Milliseconds, machine.Between("known.device", "known.waits")),
        new("xl create to ready, with a new vTPM (without an endorsement key)", Unit.Milliseconds, machine.Figure("new.ready")),
        new("Of that: from the device in xenstore until the backend waits", Unit.Milliseconds, machine.Between("new.device", "new.waits")),
    ];
}
