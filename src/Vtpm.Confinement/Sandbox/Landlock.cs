using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>
/// Landlock, for the time between the entry to the sandbox and its seal: a few files and folders can be read and nothing can be written, no TCP socket
/// be bound or connected, no abstract Unix socket outside be connected, no process outside be signalled. As much of it as the kernel knows.
/// </summary>
internal static unsafe class Landlock
{
    private const ulong Execute = 1 << 0;
    private const ulong ReadFile = 1 << 2;
    private const ulong ReadFolder = 1 << 3;

    private const int ReadVersion = 1;
    private const int RuleBeneath = 1;

    /// <summary>The dynamic linker, which the kernel opens to execute it.</summary>
    private static readonly string[] Linkers = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];

    /// <summary>What the runtime, the C library and OpenSSL read when a process starts.</summary>
    private static readonly string[] Folders =
        ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/proc", "/sys/devices/system", "/sys/fs/cgroup"];

    private static readonly string[] Files = ["/etc/ld.so.cache", "/dev/urandom", "/dev/null"];

    /// <summary>
    /// Confines the calling thread, which has to execute a program then: the other threads stay as they are. <paramref name="executable"/> stays executable.
    /// </summary>
    /// <returns>The version of Landlock that the kernel has; 0 when it has none.</returns>
    /// <exception cref="ConfinementException">It has one and refuses.</exception>
    public static int Apply(int executable)
    {
        int version = LinuxSecurity.CreateRuleset(null, 0, ReadVersion);
        if (version < 1) return 0;
        RulesetAttributes attributes = Handled(version, out nuint size);
        int ruleset = LinuxSecurity.CreateRuleset(&attributes, size, 0);
        if (ruleset < 0) throw Refused("a set of rules cannot be made");
        try
        {
            Allow(ruleset, executable, Execute | ReadFile);
            foreach (string linker in Linkers) Allow(ruleset, linker, Execute | ReadFile);
            foreach (string folder in Folders) Allow(ruleset, folder, ReadFile | ReadFolder);
            foreach (string file in Files) Allow(ruleset, file, ReadFile);
            if (LinuxSecurity.RestrictSelf(ruleset) != 0) throw Refused("the rules cannot be applied");
        }
        finally
        {
            _ = LibC.Close(ruleset);
        }

        return version;
    }

    /// <summary>Everything that this version of Landlock can deny.</summary>
    private static RulesetAttributes Handled(int version, out nuint size)
    {
        const ulong firstRights = (1 << 13) - 1, refer = 1 << 13, truncate = 1 << 14, deviceControl = 1 << 15;
        const ulong bindTcp = 1, connectTcp = 2, abstractSockets = 1, signals = 2;
        size = (nuint)(version >= 6 ? 3 : version >= 4 ? 2 : 1) * sizeof(ulong);
        return new RulesetAttributes
        {
            Files = firstRights | (version >= 2 ? refer : 0) | (version >= 3 ? truncate : 0) | (version >= 5 ? deviceControl : 0),
            Network = version >= 4 ? bindTcp | connectTcp : 0,
            Scopes = version >= 6 ? abstractSockets | signals : 0,
        };
    }

    private static void Allow(int ruleset, string path, ulong rights)
    {
        int descriptor = LinuxSecurity.Open(path, LinuxSecurity.OpenPathOnly | LibC.CloseOnExec, 0);
        if (descriptor < 0) return;     // what is not there needs no right
        try
        {
            Allow(ruleset, descriptor, rights);
        }
        finally
        {
            _ = LibC.Close(descriptor);
        }
    }

    private static void Allow(int ruleset, int descriptor, ulong rights)
    {
        var rule = new BeneathRule { Rights = rights, Parent = descriptor };
        if (LinuxSecurity.AddRule(ruleset, RuleBeneath, &rule) != 0) throw Refused("a rule cannot be added");
    }

    private static ConfinementException Refused(string what) => new($"Landlock: {what}", Marshal.GetLastPInvokeError());

    /// <summary><c>struct landlock_ruleset_attr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct RulesetAttributes
    {
        public ulong Files;
        public ulong Network;
        public ulong Scopes;
    }

    /// <summary><c>struct landlock_path_beneath_attr</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct BeneathRule
    {
        public ulong Rights;
        public int Parent;
    }
}
