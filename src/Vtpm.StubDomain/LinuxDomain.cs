using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.StubDomain;

/// <summary>A Linux domain whose image holds this program alone. <see cref="IsFirstProcess"/> says whether this is one.</summary>
public sealed class LinuxDomain : IDomainMachine
{
    /// <summary>In the image: which role the domain has. That it is there is what makes a file system a stub domain's.</summary>
    public const string RolePath = "/etc/stub-domain";

    private const string ModuleFolder = "/lib/modules";
    private const string XenDevices = "/sys/bus/xen/devices";

    /// <summary>Whether this process is the first one of a stub domain.</summary>
    public static bool IsFirstProcess => Environment.ProcessId == 1 && File.Exists(RolePath);

    /// <summary>The role's name in the image.</summary>
    public static string ReadRole() => File.ReadAllText(RolePath).Trim();

    public string CommandLine => File.ReadAllText("/proc/cmdline");

    public IReadOnlyList<string> Modules =>
        File.Exists($"{ModuleFolder}/order") ? File.ReadAllLines($"{ModuleFolder}/order") : [];

    /// <summary>
    /// Asked by the name that the program was called by, /sbin/poweroff or /sbin/reboot: the kernel calls them when the toolstack wants the domain to
    /// end (xl shutdown, xl reboot), and the first process ends it.
    /// </summary>
    /// <returns>False where this is another program.</returns>
    public static bool TryAskToEnd(string program)
    {
        int signal = Path.GetFileName(program) switch
        {
            "poweroff" => LibC.Terminate,
            "reboot" => LibC.Interrupt,
            _ => 0,
        };
        if (signal == 0 || !File.Exists(RolePath)) return false;
        _ = LibC.Kill(1, signal);
        return true;
    }

    /// <summary>Programs that the kernel starts, and whose parents are gone, leave nothing behind.</summary>
    public static void ReapChildren() => _ = LibC.Signal(LibC.ChildEnded, LibC.Ignored);

    public void Mount(string type, string target)
    {
        if (LibC.Mount(type, target, type, 0, 0) != 0) throw Failed($"{type} cannot be mounted on {target}");
    }

    public void LoadModule(string name)
    {
        string path = $"{ModuleFolder}/{name}.ko";
        try
        {
            using (SafeFileHandle file = File.OpenHandle(path))
                if (LibC.LoadModule(LibC.LoadModuleCall, file, "", 0) != 0)
                    throw Failed($"the module {name} cannot be loaded; image and kernel have to be built together (deploy/xen/build)");
            File.Delete(path);
        }
        catch (IOException e)
        {
            throw new StubDomainException($"the image has no module {path}: {e.Message}", e);
        }
    }

    public bool HasAnyDisk() =>
        Directory.Exists(XenDevices) && Directory.EnumerateFileSystemEntries(XenDevices, "vbd-*").Any();

    public bool HasDisk(string path) => File.Exists(path);

    public DomainMemory ReadMemory() => new(
        Figure("/proc/meminfo", "MemTotal:"), Figure("/proc/meminfo", "MemAvailable:"), Figure("/proc/self/status", "VmHWM:"));

    public void Pause(TimeSpan time) => Thread.Sleep(time);

    public void PowerOff() => End(LibC.PowerOffCommand);

    public void Restart() => End(LibC.RestartCommand);

    private static void End(int command)
    {
        LibC.Sync();
        _ = LibC.Reboot(command);
    }

    private static long Figure(string path, string name)
    {
        string? line = Array.Find(File.ReadAllLines(path), line => line.StartsWith(name, StringComparison.Ordinal));
        string? number = line?[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
        return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long figure) ? figure : 0;
    }

    private static StubDomainException Failed(string what) =>
        new($"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
}
