using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>The calls by which a process gives up rights.</summary>
internal static unsafe partial class LinuxSecurity
{
    public const int SetParentDeathSignal = 1;      // PR_SET_PDEATHSIG
    public const int SetDumpable = 4;               // PR_SET_DUMPABLE
    public const int SetName = 15;                  // PR_SET_NAME
    public const int DropFromBoundingSet = 24;      // PR_CAPBSET_DROP
    public const int SetNoNewPrivileges = 38;       // PR_SET_NO_NEW_PRIVS
    public const int GetNoNewPrivileges = 39;       // PR_GET_NO_NEW_PRIVS
    public const int AmbientCapabilities = 47;      // PR_CAP_AMBIENT
    public const int ClearAllAmbient = 4;           // PR_CAP_AMBIENT_CLEAR_ALL

    public const int OpenPathOnly = 0x200000;       // O_PATH
    public const int EmptyPath = 0x1000;            // AT_EMPTY_PATH

    private const uint CapabilityVersion3 = 0x20080522;

    // These numbers are the same on x86-64 and arm64.
    private const int CloseRangeNumber = 436;
    private const int LandlockCreateRulesetNumber = 444;
    private const int LandlockAddRuleNumber = 445;
    private const int LandlockRestrictSelfNumber = 446;

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    public static partial int Control(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "setgroups", SetLastError = true)]
    public static partial int SetGroups(nuint count, uint* groups);

    [LibraryImport("libc", EntryPoint = "getgroups", SetLastError = true)]
    public static partial int GetGroups(int count, uint* groups);

    [LibraryImport("libc", EntryPoint = "setresuid", SetLastError = true)]
    public static partial int SetUsers(uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "setresgid", SetLastError = true)]
    public static partial int SetUserGroups(uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "getresuid", SetLastError = true)]
    public static partial int GetUsers(out uint real, out uint effective, out uint saved);

    [LibraryImport("libc", EntryPoint = "getresgid", SetLastError = true)]
    public static partial int GetUserGroups(out uint real, out uint effective, out uint saved);

    [LibraryImport("libc", EntryPoint = "getppid")]
    public static partial int ParentProcess();

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetLimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    public static partial int SetLimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    /// <summary>Executes what is open as <paramref name="descriptor"/>. Returns only when it fails.</summary>
    public static int Execute(int descriptor, byte** arguments, byte** environment)
    {
        byte nothing = 0;
        return (int)SystemCall6(IsArm64 ? 281 : 322, descriptor, (nint)(&nothing), (nint)arguments, (nint)environment, EmptyPath, 0);
    }

    public static int CloseOnExecFrom(uint first)
    {
        const int toTheLast = -1, closeOnExec = 4;
        return (int)SystemCall6(CloseRangeNumber, (nint)first, toTheLast, closeOnExec, 0, 0, 0);
    }

    /// <summary>Sets this thread's capabilities to none.</summary>
    public static int DropCapabilities()
    {
        var header = new CapabilityHeader { Version = CapabilityVersion3 };
        ulong* sets = stackalloc ulong[3];
        return (int)SystemCall6(IsArm64 ? 91 : 126, (nint)(&header), (nint)sets, 0, 0, 0, 0);
    }

    /// <summary>Whether this thread has, or can come by, a capability.</summary>
    public static bool HasCapabilities()
    {
        var header = new CapabilityHeader { Version = CapabilityVersion3 };
        ulong* sets = stackalloc ulong[3];
        if (SystemCall6(IsArm64 ? 90 : 125, (nint)(&header), (nint)sets, 0, 0, 0, 0) != 0) return true;
        return (sets[0] | sets[1] | sets[2]) != 0;
    }

    public static int InstallFilter(FilterInstruction[] program)
    {
        const int setModeFilter = 1, synchronizeThreads = 1;
        fixed (FilterInstruction* instructions = program)
        {
            var description = new ProgramDescription { Length = checked((ushort)program.Length), Instructions = instructions };
            SystemCall number = SystemCall.Seccomp;
            return (int)SystemCall6(IsArm64 ? number.Arm64 : number.X64, setModeFilter, synchronizeThreads, (nint)(&description), 0, 0, 0);
        }
    }

    public static int CreateRuleset(void* attributes, nuint size, uint flags) =>
        (int)SystemCall6(LandlockCreateRulesetNumber, (nint)attributes, (nint)size, (nint)flags, 0, 0, 0);

    public static int AddRule(int ruleset, int type, void* attributes) =>
        (int)SystemCall6(LandlockAddRuleNumber, ruleset, type, (nint)attributes, 0, 0, 0);

    public static int RestrictSelf(int ruleset) => (int)SystemCall6(LandlockRestrictSelfNumber, ruleset, 0, 0, 0, 0, 0);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall6(nint number, nint first, nint second, nint third, nint fourth, nint fifth, nint sixth);

    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CapabilityHeader
    {
        public uint Version;
        public int Pid;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ProgramDescription
    {
        public ushort Length;
        public FilterInstruction* Instructions;
    }
}
