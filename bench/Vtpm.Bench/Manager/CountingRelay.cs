using System.Buffers.Binary;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>Stands before a hardware TPM and remembers which commands it is given.</summary>
internal sealed class CountingRelay : IDisposable
{
    private readonly List<TpmOrdinal> _seen = [];
    private readonly ITpmConnection _hardware;
    private readonly TpmServer _server;
    private readonly Thread _thread;

    public CountingRelay(string socket, string hardware)
    {
        _hardware = TpmConnection.Open(TpmAddress.Parse($"unix:{hardware}"));
        _server = new TpmServer(Pass);
        _server.Listen(TpmAddress.Unix(socket));
        _thread = new Thread(_server.Run);
        _thread.Start();
    }

    /// <summary>The commands since this was asked last.</summary>
    public TpmOrdinal[] Take()
    {
        lock (_seen)
        {
            TpmOrdinal[] seen = [.. _seen];
            _seen.Clear();
            return seen;
        }
    }

    public void Dispose()
    {
        _server.Stop();
        _thread.Join();
        _server.Dispose();
        _hardware.Dispose();
    }

    private int Pass(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        lock (_seen) _seen.Add((TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request[6..]));
        return _hardware.Transmit(request, response);
    }
}
