using System.Runtime.InteropServices;

namespace Vtpm.Tis;

/// <summary>The two calls that the base library has no form of.</summary>
internal static partial class LibC
{
    public const int ProtectionReadWrite = 1 | 2;
    public const int MapShared = 1;
    public const int OperationNotPermitted = 1;
    public static readonly nint MapFailed = -1;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint length, int protection, int flags, SafeHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint length);
}
