using System.Security.Cryptography;
using Vtpm.Transports;

namespace Vtpm.Xen;

/// <summary>Room for requests that are executed: as many as there are of those, so that a device that asks nothing has none.</summary>
internal sealed class RequestBuffers
{
    /// <summary>More than these are given back to the collector.</summary>
    private const int MostKept = 64;

    private readonly Stack<byte[]> _free = [];

    public byte[] Rent() => _free.TryPop(out byte[]? buffer) ? buffer : new byte[TpmMessage.MaxLength];

    public void Return(byte[] buffer)
    {
        CryptographicOperations.ZeroMemory(buffer);
        if (_free.Count < MostKept) _free.Push(buffer);
    }
}
