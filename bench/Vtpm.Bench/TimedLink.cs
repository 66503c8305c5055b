using System.Buffers.Binary;
using System.Diagnostics;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>Measures exchanges of some commands and nothing else: HMACs, sessions and parsing on the client's side are not the TPM's.</summary>
internal sealed class TimedLink(ITpmConnection link) : ITpmConnection
{
    private TpmOrdinal[] _watched = [];
    private long _ticks;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(0, _ticks);

    /// <summary>Starts anew with these.</summary>
    public void Watch(ReadOnlySpan<TpmOrdinal> ordinals)
    {
        _ticks = 0;
        if (!ordinals.SequenceEqual(_watched)) _watched = ordinals.ToArray();
    }

    public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
    {
        long began = Stopwatch.GetTimestamp();
        int length = link.Transmit(request, response);
        long took = Stopwatch.GetTimestamp() - began;
        if (_watched.AsSpan().Contains((TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request[6..]))) _ticks += took;
        return length;
    }

    public void Dispose() => link.Dispose();
}
