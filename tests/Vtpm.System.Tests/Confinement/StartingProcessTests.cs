using System.Net;
using System.Net.Sockets;

namespace Vtpm.SystemTests;

/// <summary>
/// The time between the entry to the sandbox and its seal, when the vTPM reads its image and the manager's answer, and system calls are not confined
/// yet: what its user and Landlock leave to one that these have taken over. The manager is held up meanwhile.
/// </summary>
public sealed class StartingProcessTests
{
    private const int Here = -100;
    private const int NotPermitted = -1;
    private const int NoAccess = -13;

    [Fact]
    public void Process_ThatStarts_ReachesNothingThatItWasNotGiven()
    {
        using Chain chain = Chain.Started("--without-ek", "--confine", "2000000000");
        chain.StopVtpm();
        string world = chain["for-everybody"];
        File.WriteAllText(world, "anybody may read and write this");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(world, (UnixFileMode)0x1B6);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        chain.Manager!.Signal((UnixSignal)19);      // SIGSTOP: the vTPM waits for its answer
        using VtpmProcess outer = VtpmProcess.Start([.. chain.VtpmArguments, "--without-ek", "--confine", "2000000000"]);
        ConfinedProcess process = ConfinedProcess.Of(outer);
        ConfinedProcess.Until(() => process.Status("NoNewPrivs") == "1" && process.Descriptors().Count > 5 && IsWaiting(process), "vTPM that waits for the manager");
        Assert.Equal("0", process.Status("Seccomp"));
        using (Tracee tracee = Tracee.Of(process.Pid))
        {
            AssertRefused(NotPermitted, tracee.Call(117, 147, 0, 0, 0));                        // setresuid
            AssertRefused(NotPermitted, tracee.Call(62, 129, outer.Pid, 0));                    // kill
            AssertRefused(NotPermitted, tracee.Call(101, 117, 16, outer.Pid, 0, 0));            // ptrace
            AssertRefused(NotPermitted, tracee.Call(165, 40, "none", "/mnt", "tmpfs", 0, 0));   // mount
            AssertRefused(NoAccess, tracee.Call(257, 56, Here, chain.VtpmImage, 2));
            AssertRefused(NoAccess, tracee.Call(257, 56, Here, $"/proc/{outer.Pid}/mem", 0));
            if (HasLandlock())
            {
                // All that everybody may do, and this process may not.
                AssertRefused(NoAccess, tracee.Call(257, 56, Here, "/etc/passwd", 0));
                AssertRefused(NoAccess, tracee.Call(257, 56, Here, "/tmp/vtpm-new-file", 0x41, 0x180));
                AssertRefused(NoAccess, tracee.Call(59, 221, "/bin/true", 0, 0));
            }
        }

        outer.Signal(UnixSignal.Kill);
        // It ends with the process that has started it, though nobody answers it.
        ConfinedProcess.Until(() => !process.IsRunning, "end of the vTPM with its parent");
        chain.Manager.Signal((UnixSignal)18);       // SIGCONT
    }

    private static bool HasLandlock() => File.Exists("/sys/kernel/security/lsm") is false || File.ReadAllText("/sys/kernel/security/lsm").Contains("landlock", StringComparison.Ordinal);

    /// <summary>In a system call that waits for a socket.</summary>
    private static bool IsWaiting(ConfinedProcess process)
    {
        string[] words = File.ReadAllText($"/proc/{process.Pid}/syscall").Split(' ');
        return words[0] is "47" or "45" or "212" or "207";
    }

    private static void AssertRefused(int error, CallOutcome outcome) => Assert.Equal(new CallOutcome(error, null), outcome);
}
