using System.Runtime.InteropServices;

namespace Vtpm.Crypto;

/// <summary>The one call of the C library that this room makes.</summary>
internal static partial class LibC
{
    internal const int Interrupted = 4;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint getrandom(Span<byte> buffer, nuint length, uint flags);
}
