using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>
/// How a process gives up everything that it does not need, in two steps: <see cref="Enter"/> before it has read a byte of a guest's, and
/// <see cref="Seal"/> when it is ready for guests. docs/adr/0015-confinement.md
/// </summary>
public static unsafe class Sandbox
{
    /// <summary>Set by the first life of a process for its second, to the version of Landlock.</summary>
    private const string EnteredVariable = "VTPM_SANDBOX";

    private const int SignalKill = 9;
    private const int FirstDescriptor = 3;

    /// <summary>Whether this process is inside: it has executed itself anew with what <see cref="Enter"/> gave up.</summary>
    public static bool IsEntered => Environment.GetEnvironmentVariable(EnteredVariable) is not null;

    /// <summary>The version of Landlock by which this process is confined; 0 when the kernel has none.</summary>
    public static int LandlockVersion =>
        int.TryParse(Environment.GetEnvironmentVariable(EnteredVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int version) ? version : 0;

    /// <summary>
    /// Gives up user, groups, capabilities, the right to get any back, and by Landlock most of the file system and the network; then executes this
    /// executable anew with the same arguments, an empty environment and no other descriptors than the given ones. Does not return: the program comes
    /// here again with <see cref="IsEntered"/>, and goes on.
    /// </summary>
    /// <remarks>It has to be anew since Landlock confines one thread, and a managed program has several before its first line.</remarks>
    /// <param name="user">Who it is to run as. A process that is not root's must be that user already.</param>
    /// <param name="descriptors">How many descriptors from 3 on it keeps.</param>
    /// <param name="endsWithParent">Whether it is to be killed when the thread that has started it ends.</param>
    /// <exception cref="ConfinementException">The system refuses; the process has to end, for it may have given up some of it.</exception>
    [DoesNotReturn]
    public static void Enter(SandboxUser user, int descriptors, bool endsWithParent)
    {
        // While it may still be read: what is executed is what runs now, whatever lies under its name.
        int executable = LinuxSecurity.Open("/proc/self/exe", LinuxSecurity.OpenPathOnly | LibC.CloseOnExec, 0);
        if (executable < 0) throw Refused("the executable cannot be found");
        int parent = LinuxSecurity.ParentProcess();
        ResourceLimits.Apply();
        Become(user);
        Check(LinuxSecurity.Control(LinuxSecurity.SetNoNewPrivileges, 1, 0, 0, 0), "new privileges cannot be renounced");
        if (endsWithParent) EndWith(parent);
        int landlock = Landlock.Apply(executable);
        Check(LinuxSecurity.CloseOnExecFrom((uint)(FirstDescriptor + descriptors)), "descriptors cannot be closed");
        using var arguments = new StringVector(Environment.GetCommandLineArgs());
        using var environment = new StringVector([$"{EnteredVariable}={landlock.ToString(CultureInfo.InvariantCulture)}"]);
        _ = LinuxSecurity.Execute(executable, arguments.Pointer, environment.Pointer);
        throw Refused($"user {user} cannot execute this program; it has to be executable for everybody");
    }

    /// <summary>In the second life: nothing was given back, and nobody may look into this process or have its core.</summary>
    /// <exception cref="ConfinementException">It is not as <see cref="Enter"/> leaves it.</exception>
    public static void Verify(SandboxUser user)
    {
        Check(LinuxSecurity.GetUsers(out uint real, out uint effective, out uint saved), "this user cannot be read");
        Require(real == user.Uid && effective == user.Uid && saved == user.Uid, $"it runs as user {effective}, not {user.Uid}");
        Check(LinuxSecurity.GetUserGroups(out real, out effective, out saved), "this group cannot be read");
        Require(real == user.Gid && effective == user.Gid && saved == user.Gid, $"it runs as group {effective}, not {user.Gid}");
        Require(IsInNoOtherGroup(user.Gid), "it has supplementary groups");
        Require(!LinuxSecurity.HasCapabilities(), "it has capabilities");
        Require(LinuxSecurity.Control(LinuxSecurity.GetNoNewPrivileges, 0, 0, 0, 0) == 1, "it can get new privileges");
        Check(LinuxSecurity.Control(LinuxSecurity.SetDumpable, 0, 0, 0, 0), "the process cannot be closed to debuggers");
        // Executed by a descriptor, it has that one's number for a name.
        ReadOnlySpan<byte> name = "vtpm\0"u8;
        fixed (byte* start = name) _ = LinuxSecurity.Control(LinuxSecurity.SetName, (nuint)start, 0, 0, 0);
    }

    /// <summary>
    /// Leaves this process, with all its threads, the system calls that it needs to serve: from now on it opens nothing, connects to nothing, starts
    /// nothing. One that is not allowed ends it with SIGSYS.
    /// </summary>
    /// <exception cref="ConfinementException">The kernel has no seccomp, or a thread cannot be confined.</exception>
    public static void Seal(SealOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        FilterProgram filter = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => FilterProgram.X64(),
            Architecture.Arm64 => FilterProgram.Arm64(),
            var other => throw new ConfinementException($"there is no list of system calls for {other}: only for x86-64 and arm64"),
        };
        SystemCallFilter.Describe(filter, options, Environment.ProcessId);
        int result = LinuxSecurity.InstallFilter(filter.Build());
        if (result < 0) throw Refused("the system calls cannot be confined (seccomp)");
        Require(result == 0, $"thread {result} cannot be confined");
    }

    private static void Become(SandboxUser user)
    {
        Check(LinuxSecurity.GetUsers(out _, out uint now, out _), "this user cannot be read");
        _ = LinuxSecurity.Control(LinuxSecurity.AmbientCapabilities, LinuxSecurity.ClearAllAmbient, 0, 0, 0);
        if (now == 0)
        {
            for (nuint capability = 0; LinuxSecurity.Control(LinuxSecurity.DropFromBoundingSet, capability, 0, 0, 0) == 0; capability++)
            {
                // until the kernel knows no more of them
            }

            Check(LinuxSecurity.SetGroups(0, null), "the groups cannot be left");
            Check(LinuxSecurity.SetUserGroups(user.Gid, user.Gid, user.Gid), $"group {user.Gid} cannot be taken on");
            Check(LinuxSecurity.SetUsers(user.Uid, user.Uid, user.Uid), $"user {user.Uid} cannot be taken on");
        }
        else if (now != user.Uid)
        {
            throw new ConfinementException($"only root can have a process run as another user: this is user {now}, and {user.Uid} is asked for");
        }

        Check(LinuxSecurity.DropCapabilities(), "the capabilities cannot be given up");
    }

    private static bool IsInNoOtherGroup(uint gid)
    {
        const int most = 2;
        uint* groups = stackalloc uint[most];
        // One that is not root's may be in its own group once more; with more than there is room for, this fails.
        return LinuxSecurity.GetGroups(most, groups) is var count and >= 0 && new ReadOnlySpan<uint>(groups, count).IndexOfAnyExcept(gid) < 0;
    }

    private static void EndWith(int parent)
    {
        Check(LinuxSecurity.Control(LinuxSecurity.SetParentDeathSignal, SignalKill, 0, 0, 0), "it cannot be tied to its parent");
        // The parent may have ended before.
        Require(LinuxSecurity.ParentProcess() == parent, "its parent has ended");
    }

    private static void Check(int result, string what)
    {
        if (result != 0) throw Refused(what);
    }

    private static void Require(bool holds, string fault)
    {
        if (!holds) throw new ConfinementException($"the process is not confined: {fault}");
    }

    private static ConfinementException Refused(string what) => new($"the process is not confined: {what}", Marshal.GetLastPInvokeError());
}
