using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Memory for the secrets of one command: pinned, so that the collector leaves no copies, and zeroed when the command ends.</summary>
public sealed class ScratchArena : IByteAllocator
{
    private readonly List<byte[]> _arrays = [];
    private readonly List<Secret> _secrets = [];

    public byte[] Allocate(int length)
    {
        byte[] array = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        _arrays.Add(array);
        return array;
    }

    /// <summary>
    /// Holds a secret until <see cref="Clear"/>. A secret that nobody holds is zeroed as soon as the collector sees it, also while a span of its bytes
    /// is being read: whoever makes one that is in no state yet keeps it here.
    /// </summary>
    public Secret Keep(Secret secret)
    {
        _secrets.Add(secret);
        return secret;
    }

    public void Clear()
    {
        _secrets.Clear();
        foreach (byte[] array in _arrays) CryptographicOperations.ZeroMemory(array);
        _arrays.Clear();
    }
}
