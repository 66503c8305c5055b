using System.Runtime.InteropServices;

namespace Vtpm.Boot;

internal static partial class LibC
{
    /// <summary>LINUX_REBOOT_CMD_KEXEC.</summary>
    public const int StartLoadedKernel = 0x45584543;

    /// <summary>KEXEC_FILE_NO_INITRAMFS.</summary>
    public const nuint WithoutInitrd = 4;

    /// <summary>kexec_file_load, which the C library has no function for.</summary>
    public static nint LoadKernelCall => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 294 : 320;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint LoadKernel(nint call, SafeHandle kernel, SafeHandle initrd, nuint commandLineLength, ReadOnlySpan<byte> commandLine, nuint flags);

    [LibraryImport("libc", EntryPoint = "reboot", SetLastError = true)]
    public static partial int Reboot(int command);
}
