using System.Runtime.InteropServices;

namespace Vtpm.Xen;

/// <summary>The calls that the base library has no form of.</summary>
internal static unsafe partial class LibC
{
    public const int ProtectionReadWrite = 1 | 2;
    public const int MapShared = 1;
    public const int Interrupted = 4;
    public const int CloseOnExec = 0x80000;
    public const int NonBlocking = 0x800;
    public static readonly nint MapFailed = -1;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint length, int protection, int flags, SafeHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeHandle file, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int CreatePoll(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int ControlPoll(SafeHandle poll, int operation, int file, ReadOnlySpan<byte> pollEvent);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int WaitPoll(SafeHandle poll, Span<byte> events, int most, int milliseconds);

    /// <summary>The base library reads and writes at positions, which these devices have not.</summary>
    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeHandle file, Span<byte> buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeHandle file, ReadOnlySpan<byte> buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint initial, int flags);

    /// <summary>_IOC(_IOC_NONE, type, number, size), as all of Xen's are made.</summary>
    public static nuint Request(char type, int number, int size) => (nuint)(((uint)size << 16) | ((uint)type << 8) | (uint)number);
}
