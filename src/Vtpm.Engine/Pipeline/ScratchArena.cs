using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Memory for the secrets of one command: pinned, so that the collector leaves no copies, and zeroed when the command ends.</summary>
public sealed class ScratchArena : IByteAllocator
{
    private readonly List<byte[]> _arrays = [];

    public byte[] Allocate(int length)
    {
        byte[] array = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        _arrays.Add(array);
        return array;
    }

    public void Clear()
    {
        foreach (byte[] array in _arrays) CryptographicOperations.ZeroMemory(array);
        _arrays.Clear();
    }
}
