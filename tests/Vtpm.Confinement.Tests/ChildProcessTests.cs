using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Vtpm.Confinement.Tests;

/// <summary>What a process that we start has, and has not. The children are Debian's shell, which tells about itself on descriptor 3.</summary>
public sealed class ChildProcessTests
{
    private const int FirstDescriptor = 3;

    /// <summary>Turns a hang into a failure.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Descriptors_BecomeThreeFourFive_WhateverTheirNumbersWere()
    {
        using SafeFileHandle first = Content("first"), second = Content("second"), third = Content("third");
        // Also in the order in which each would be written over by the one before.
        SafeFileHandle[] descending = [.. new[] { first, second, third }.OrderByDescending(handle => handle.DangerousGetHandle())];
        string expected = string.Concat(descending.Select(Read));
        Assert.Equal(expected, Say("cat <&4; cat <&5; cat <&6", descending));
        Assert.Equal("firstfirst", Say("cat /proc/self/fd/4 /proc/self/fd/5", first, first));
    }

    [Fact]
    public void Descriptors_ThatWereNotGiven_AreClosed()
    {
        using SafeFileHandle leaking = Content("not for the child"), given = Content("given");
        Assert.Equal(0, LibC.Control(leaking, LibC.SetDescriptorFlags, 0));   // no close-on-exec
        string[] open = Say("exec ls /proc/self/fd", given).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // The last one is the folder that ls reads.
        Assert.Equal(["0", "1", "2", "3", "4", "5"], open);
        Assert.Equal("/dev/null\n", Say("readlink /proc/self/fd/0"));
        Assert.Equal(Link(1) + "\n", Say("readlink /proc/$$/fd/1"));
        Assert.Equal(Link(2) + "\n", Say("readlink /proc/self/fd/2"));
    }

    [Fact]
    public void Output_IsWhatIsGiven_ForBothOfThem()
    {
        using SocketPair pair = SocketPair.Create();
        using ChildProcess child = ChildProcess.Start(new ChildProcessStart("/bin/sh", "-c", "echo said; echo wrong >&2") { Output = pair.Theirs.SafeHandle });
        pair.Theirs.Dispose();
        byte[] said = new byte[64];
        int length = 0;
        for (int read; (read = pair.Ours.Receive(said.AsSpan(length))) > 0;) length += read;
        Assert.Equal("said\nwrong\n", Encoding.UTF8.GetString(said, 0, length));
        child.Kill();
    }

    [Fact]
    public void Environment_IsWhatIsGivenAndNothingElse()
    {
        Assert.Equal("", Say("tr '\\0' '\\n' </proc/$$/environ"));
        Assert.Equal("A=1\nB=2 3\n", Say("tr '\\0' '\\n' </proc/$$/environ", [], ["A=1", "B=2 3"]));
    }

    [Fact]
    public void Signals_AreNeitherIgnoredNorBlocked()
    {
        // The runtime ignores SIGPIPE, which would be passed on.
        Assert.NotEqual(0UL, Signals(File.ReadAllText("/proc/self/status"), "SigIgn"));
        string status = Say("cat /proc/$$/status");
        // 32 and 33 are the C library's own, which it ignores until the program has set them up.
        Assert.Equal(0UL, Signals(status, "SigIgn") & ~(3UL << 31));
        Assert.Equal(0UL, Signals(status, "SigBlk"));
    }

    [Fact]
    public void Group_IsItsOwn()
    {
        using SocketPair pair = SocketPair.Create();
        using ChildProcess child = Shell("cat <&3", pair.Theirs.SafeHandle);
        string stat = File.ReadAllText($"/proc/{child.Id}/stat");
        string group = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[2];
        Assert.Equal(child.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), group);
        child.Kill();
    }

    [Fact]
    public void End_IsSeenByItsDescriptorAndByTheSocketPair()
    {
        using SocketPair pair = SocketPair.Create();
        using ChildProcess child = Shell("read line <&3; exit 7", pair.Theirs.SafeHandle);
        pair.Theirs.Dispose();
        Assert.False(child.TryWait(out _));
        Assert.False(IsReadable(child.Ended, milliseconds: 0));
        pair.Ours.Send("go\n"u8);
        Assert.True(IsReadable(child.Ended, (int)Patience.TotalMilliseconds));
        Assert.True(child.TryWait(out ExitStatus status));
        Assert.Equal((7, null), (status.Code, status.Signal));
        Assert.Equal("exit code 7", status.ToString());
        Assert.Equal(0, pair.Ours.Receive(new byte[1]));
        Assert.True(child.TryWait(out ExitStatus again));
        Assert.Equal(status, again);
    }

    [Fact]
    public void Parent_ThatClosesItsEnd_EndsTheChildsStream()
    {
        using SocketPair pair = SocketPair.Create();
        using ChildProcess child = Shell("cat <&3; exit 4", pair.Theirs.SafeHandle);
        pair.Dispose();
        Assert.True(child.TryWait(Patience, out ExitStatus status));
        Assert.Equal(4, status.Code);
    }

    [Fact]
    public void Signal_ThatEndsIt_IsItsStatus()
    {
        using SocketPair pair = SocketPair.Create();
        using ChildProcess child = Shell("cat <&3", pair.Theirs.SafeHandle);
        ExitStatus status = child.Kill();
        Assert.Equal((null, 9), (status.Code, status.Signal));
        Assert.Equal("signal 9", status.ToString());
        child.Signal(15);   // to nobody
        Assert.Equal(status, child.Kill());
    }

    [Fact]
    public void Waiting_IsInNobodysWay()
    {
        using var theirs = Process.Start("/bin/sh", ["-c", "exit 5"]);
        using ChildProcess ours = ChildProcess.Start(new("/bin/sh", "-c", "exit 6"));
        Assert.True(theirs.WaitForExit(Patience));
        Assert.True(ours.TryWait(Patience, out ExitStatus status));
        Assert.Equal((5, 6), (theirs.ExitCode, status.Code));
    }

    [Fact]
    public void Status_ThatSomebodyElseHasTaken_IsUnknown()
    {
        using ChildProcess child = ChildProcess.Start(new("/bin/true"));
        Assert.Equal(child.Id, LibC.WaitForProcess(child.Id, out _, 0));
        Assert.True(child.TryWait(out ExitStatus status));
        Assert.Equal(ExitStatus.Unknown, status);
        Assert.Equal("an unknown status", status.ToString());
    }

    [Theory]
    [InlineData("/nowhere/at/all")]
    [InlineData("/etc/passwd")]
    [InlineData("/tmp")]
    public void Executable_ThatIsNone_IsRefusedByName(string path)
    {
        var refusal = Assert.Throws<ConfinementException>(() => ChildProcess.Start(new(path)));
        Assert.Contains($"{path} cannot be started: ", refusal.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, refusal.Error);
    }

    [Fact]
    public void Argument_WithAZeroByte_IsRefused() =>
        Assert.Throws<ConfinementException>(() => ChildProcess.Start(new("/bin/echo", "one\0two")));

    [Fact]
    public void Inherited_ThatIsNotOpen_IsRefused()
    {
        Assert.Contains("fd:2 is not open", Assert.Throws<ConfinementException>(() => InheritedDescriptor.Take(2)).Message, StringComparison.Ordinal);
        Assert.Contains("fd:9999 is not open", Assert.Throws<ConfinementException>(() => InheritedDescriptor.Take(9999)).Message, StringComparison.Ordinal);
        Assert.Throws<ConfinementException>(() => InheritedDescriptor.Take(-3));
    }

    [Fact]
    public void Inherited_IsPassedOnNoFurther()
    {
        using SafeFileHandle original = Content("inherited");
        int number = LibC.Control(original, 0, 0);   // F_DUPFD, without close-on-exec
        using SafeFileHandle taken = InheritedDescriptor.Take(number);
        Assert.Equal(LibC.DescriptorCloseOnExec, LibC.Control(taken, LibC.DescriptorFlags, 0));
        Assert.Equal("inherited", Read(taken));
    }

    private static string Say(string script, params SafeHandle[] more) => Say(script, more, []);

    /// <summary>What the script writes to descriptor 3; what it is given more begins with 4.</summary>
    private static string Say(string script, SafeHandle[] more, string[] environment)
    {
        using SocketPair pair = SocketPair.Create();
        var start = new ChildProcessStart("/bin/sh", "-c", "(" + script + ") >&3")
            { Descriptors = [pair.Theirs.SafeHandle, .. more], Environment = environment };
        using ChildProcess child = ChildProcess.Start(start);
        pair.Theirs.Dispose();
        using var text = new StreamReader(new NetworkStream(pair.Ours), Encoding.UTF8);
        string said = text.ReadToEnd();
        Assert.True(child.TryWait(Patience, out ExitStatus status));
        Assert.Equal(0, status.Code);
        return said;
    }

    private static ChildProcess Shell(string script, SafeHandle third) =>
        ChildProcess.Start(new("/bin/sh", "-c", script) { Descriptors = [third] });

    /// <summary>A file without a name that holds a text.</summary>
    private static SafeFileHandle Content(string text)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, text);
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read);
        File.Delete(path);
        Assert.True(handle.DangerousGetHandle() >= FirstDescriptor);
        return handle;
    }

    private static string Read(SafeFileHandle handle)
    {
        byte[] bytes = new byte[64];
        return Encoding.UTF8.GetString(bytes, 0, RandomAccess.Read(handle, bytes, 0));
    }

    private static string Link(int descriptor) => new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget!;

    private static ulong Signals(string status, string name) =>
        Convert.ToUInt64(status.Split('\n').Single(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split('\t')[1], 16);

    private static unsafe bool IsReadable(SafeHandle handle, int milliseconds)
    {
        var descriptor = new LibC.PollDescriptor { Descriptor = (int)handle.DangerousGetHandle(), Events = 1 };
        return LibC.Poll(&descriptor, 1, milliseconds) == 1;
    }
}
