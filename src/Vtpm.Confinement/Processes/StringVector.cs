using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>Strings as exec takes them: pointers with a null at the end.</summary>
internal sealed unsafe class StringVector : IDisposable
{
    private readonly int _count;

    public StringVector(IReadOnlyList<string> strings)
    {
        // A zero would end the string for the C library, and a part of it would pass for the whole.
        if (strings.Any(text => text.Contains('\0', StringComparison.Ordinal)))
            throw new ConfinementException("an argument of a process cannot hold a zero byte");
        _count = strings.Count;
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < _count; i++) Pointer[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
    }

    public byte** Pointer { get; private set; }

    public void Dispose()
    {
        if (Pointer is null) return;
        for (int i = 0; i < _count; i++) Marshal.FreeCoTaskMem((nint)Pointer[i]);
        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
