using Vtpm.Client;

namespace Vtpm.SystemTests;

/// <summary>
/// A vTPM that its guest has taken over, as far as the kernel can tell: what it can do. The attacker is <see cref="Tracee"/>; needs root, as ./test does.
/// </summary>
public sealed class SealedProcessTests
{
    private const int Image = 3;
    private const int Link = 4;
    private const int BadSystemCall = 31;
    private const int Here = -100;      // AT_FDCWD
    private const int NotPermitted = -1;
    private const int NoAccess = -13;
    private const int NotATerminal = -25;
    private const int NoSeeking = -29;
    private const int NotImplemented = -38;

    private static readonly string[] Confined = ["--without-ek", "--confine", "2000000000"];

    private sealed record Attack(string Name, int X64, int Arm64, params object[] Arguments);

    [Fact]
    public void Process_HasItsOwnUserNoRightsAndOnlyWhatItWasGiven()
    {
        using Chain chain = Chain.Started(Confined);
        ConfinedProcess process = ConfinedProcess.Of(chain.Vtpm!);
        Assert.Equal("2000000000\t2000000000\t2000000000\t2000000000", process.Status("Uid"));
        Assert.Equal("2000000000\t2000000000\t2000000000\t2000000000", process.Status("Gid"));
        Assert.Equal("", process.Status("Groups"));
        foreach (string thread in process.Threads)
        {
            Assert.Equal("1", ConfinedProcess.Field(thread + "/status", "NoNewPrivs"));
            Assert.Equal("2", ConfinedProcess.Field(thread + "/status", "Seccomp"));
            foreach (string set in (string[])["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
                Assert.Equal("0000000000000000", ConfinedProcess.Field(thread + "/status", set));
        }

        // Not dumpable: its entry in /proc is root's.
        (_, string owner) = Run("stat", "-c", "%u", $"/proc/{process.Pid}/status");
        Assert.Equal("0", owner.Trim());
        string limits = File.ReadAllText($"/proc/{process.Pid}/limits");
        Assert.Matches("Max core file size +0 +0", limits);
        Assert.Matches("Max open files +128 +128", limits);
        Assert.Matches("Max data size +268435456 +268435456", limits);
        Assert.Matches("^VTPM_SANDBOX=[0-9]+\0$", File.ReadAllText($"/proc/{process.Pid}/environ"));
    }

    [Fact]
    public void Descriptors_AreThoseOfTheVtpmAndTheRuntime()
    {
        using Chain chain = Chain.Started(Confined);
        SortedDictionary<int, string> open = ConfinedProcess.Of(chain.Vtpm!).Descriptors();
        Assert.Equal("/dev/null", open[0]);
        Assert.Equal(Path.GetFullPath(chain.VtpmImage), open[Image]);
        // No file but the image, and no folder.
        Assert.All(open.Where(each => each.Key != Image && each.Value.StartsWith('/')), each => Assert.Contains(each.Value, (string[])["/dev/null", "/dev/urandom"]));
        // The link, the listening socket, the connection to the manager, and the server's own signal.
        Assert.Equal(4, open.Values.Count(value => value.StartsWith("socket:", StringComparison.Ordinal)));
    }

    [Fact]
    public void Calls_ThatAVtpmHasNoUseFor_EndIt()
    {
        using Chain chain = Chain.Started(Confined);
        string other = chain["other.img"];
        File.WriteAllBytes(other, new byte[4096]);
        int parent = chain.Vtpm!.Pid;
        byte[] address = [1, 0, .. "/tmp/x"u8, 0];
        long end = new FileInfo(chain.VtpmImage).Length;
        Attack[] attacks =
        [
            new("socket, Unix", 41, 198, 1, 1, 0),
            new("socket, TCP", 41, 198, 2, 1, 0),
            new("socketpair", 53, 199, 1, 1, 0, new byte[8]),
            new("connect", 42, 203, Link, address, address.Length),
            new("bind", 49, 200, Link, address, address.Length),
            new("sendto another", 44, 206, Link, address, 1, 0, address, address.Length),
            new("sendmsg, to pass a descriptor", 46, 211, Link, new byte[56], 0),
            new("open another vTPM's image to write", 257, 56, Here, other, 2),
            new("make a file", 257, 56, Here, chain["new"], 0x41, 0x180),
            new("execve", 59, 221, "/bin/true", 0, 0),
            new("a new process", 56, 220, 17, 0, 0, 0, 0),
            new("a name space", 272, 97, 0x10000000),
            new("ptrace of the parent", 101, 117, 16, parent, 0, 0),
            new("memory of the parent", 310, 270, parent, new byte[16], 1, new byte[16], 1, 0),
            new("kill the parent", 62, 129, parent, 9),
            new("signal a thread of the parent", 234, 131, parent, parent, 9),
            new("back to root", 117, 147, 0, 0, 0),
            new("memory with code", 9, 222, 0, 4096, 7, 0x22, -1, 0),
            new("memory shared with others", 9, 222, 0, 4096, 3, 0x21, -1, 0),
            new("code of memory", 10, 226, 0, 4096, 5),
            new("a file without a name", 319, 279, "x", 0),
            new("write the image at its end", 18, 68, Image, new byte[16], 16, end),
            new("write on in the image", 1, 64, Image, new byte[16], 16),
            new("lengthen the image", 77, 46, Image, 1L << 40),
            new("io_uring", 425, 425, 1, new byte[120]),
            new("bpf", 321, 280, 0, new byte[64], 64),
        ];
        string[] survived = [.. attacks.Where(attack => !EndsIt(chain, attack)).Select(attack => attack.Name)];
        Assert.Empty(survived);
        Assert.Equal(end, new FileInfo(chain.VtpmImage).Length);
        Assert.False(File.Exists(chain["new"]));
        // Whatever was tried, the vTPM is what it was.
        chain.StartVtpm(Confined);
        Assert.DoesNotContain("MANUFACTURING", chain.Vtpm.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_ThatALibraryMayTry_AreRefused()
    {
        using Chain chain = Chain.Started(Confined);
        string other = chain["other.img"];
        File.WriteAllBytes(other, new byte[4096]);
        using (Tracee process = Tracee.Of(ConfinedProcess.Of(chain.Vtpm!).Pid))
        {
            AssertRefused(NoAccess, process.Call(257, 56, Here, "/etc/passwd", 0));
            AssertRefused(NoAccess, process.Call(257, 56, Here, other, 0));
            AssertRefused(NoAccess, process.Call(257, 56, Here, chain.VtpmImage, 0));
            AssertRefused(NoAccess, process.Call(257, 56, Here, "/proc/self/mem", 0));
            AssertRefused(NoAccess, process.Call(262, 79, Here, "/etc/passwd", new byte[200], 0));
            AssertRefused(NotPermitted, process.Call(32, 23, Image));                           // dup
            AssertRefused(NotPermitted, process.Call(72, 25, Image, 1030, 20));                 // fcntl, F_DUPFD_CLOEXEC
            AssertRefused(NotPermitted, process.Call(72, 25, Image, 4, 0x400));                 // fcntl, F_SETFL, O_APPEND
            AssertRefused(NoSeeking, process.Call(8, 62, 1, 0, 0));                             // lseek, to write over the log
            AssertRefused(NotATerminal, process.Call(16, 29, 1, 0x5412, "x"));                  // ioctl, TIOCSTI
            AssertRefused(NotPermitted, process.Call(157, 167, 4, 1, 0, 0, 0));                 // prctl, PR_SET_DUMPABLE
            AssertRefused(NotPermitted, process.Call(302, 261, 0, 4, new byte[16], 0));         // prlimit64, RLIMIT_CORE
            AssertRefused(NotPermitted, process.Call(54, 208, Link, 1, 26, new byte[16], 16));  // setsockopt, SO_ATTACH_FILTER
            AssertRefused(NotImplemented, process.Call(435, 435, new byte[88], 88));            // clone3
        }

        using TpmClient tpm = chain.Connect();
        Assert.Equal(20, tpm.GetRandom(20).Length);
    }

    private static void AssertRefused(int error, CallOutcome outcome) => Assert.Equal(new CallOutcome(error, null), outcome);

    private static bool EndsIt(Chain chain, Attack attack)
    {
        chain.StartVtpm(Confined);
        using Tracee process = Tracee.Of(ConfinedProcess.Of(chain.Vtpm!).Pid);
        if (process.Call(attack.X64, attack.Arm64, attack.Arguments).Signal != BadSystemCall) return false;
        Assert.Equal(1, chain.Vtpm!.WaitForExit());
        Assert.Contains("was ended by signal 31, for a system call that it may not make", chain.Vtpm.Log, StringComparison.Ordinal);
        return true;
    }

    private static (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        using VtpmProcess process = VtpmProcess.StartProgram(program, arguments);
        return (process.WaitForExit(), process.Log);
    }
}
