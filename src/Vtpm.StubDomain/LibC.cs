using System.Runtime.InteropServices;

namespace Vtpm.StubDomain;

/// <summary>The calls that the base library has no form of.</summary>
internal static partial class LibC
{
    public const int Terminate = 15;
    public const int Interrupt = 2;
    public const int ChildEnded = 17;
    public const int PowerOffCommand = 0x4321fedc;
    public const int RestartCommand = 0x01234567;
    public static readonly nint Ignored = 1;

    /// <summary>finit_module, which the C library has no function for.</summary>
    public static long LoadModuleCall => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 273 : 313;

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string type, nuint flags, nint data);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint LoadModule(long call, SafeHandle file, string parameters, int flags);

    [LibraryImport("libc", EntryPoint = "sync")]
    public static partial void Sync();

    [LibraryImport("libc", EntryPoint = "reboot", SetLastError = true)]
    public static partial int Reboot(int command);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "signal")]
    public static partial nint Signal(int signal, nint handler);
}
