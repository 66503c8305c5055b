using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace Vtpm.Fuzz;

/// <summary>Where instrumented assemblies count the branches they take while afl-fuzz is not looking. Without one they do not run at all.</summary>
internal static unsafe class BranchMap
{
    private const int Size = 1 << 16;

    private static readonly byte* Map = (byte*)NativeMemory.AllocZeroed(Size);

    public static ReadOnlySpan<byte> Taken => new(Map, Size);

    public static void Install() => Trace.SharedMem = Map;

    public static void Clear()
    {
        NativeMemory.Clear(Map, Size);
        Trace.PrevLocation = 0;
    }
}
