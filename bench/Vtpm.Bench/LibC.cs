using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Bench;

/// <summary>What the base library has no finer word for.</summary>
internal static partial class LibC
{
    /// <summary>A pause shorter than a millisecond: a start is to be seen when it happens, without a busy loop beside it.</summary>
    [LibraryImport("libc")]
    internal static partial int usleep(uint microseconds);

    /// <summary>The cheapest way to make a write durable; the base library has fsync alone.</summary>
    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fdatasync(SafeFileHandle file);
}
