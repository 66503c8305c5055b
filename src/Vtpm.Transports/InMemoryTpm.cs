namespace Vtpm.Transports;

/// <summary>A server without sockets: its connections call the handler where they stand, one at a time.</summary>
public sealed class InMemoryTpm(TpmRequestHandler handler, TpmServerOptions? options = null)
{
    private readonly Lock _gate = new();
    private readonly TpmServerOptions _options = options ?? new TpmServerOptions();
    private readonly RequestDispatcher _dispatcher = new(handler, options ?? new TpmServerOptions());

    public TpmAddress Address { get; } = TpmAddress.Named("memory", "tpm");

    /// <exception cref="TpmTransportException">The server turned the client away.</exception>
    public ITpmConnection Connect(PeerCredentials? credentials = null)
    {
        lock (_gate)
        {
            var client = new ClientInfo(_dispatcher.NextId(), Address, credentials);
            if (!_dispatcher.Opened(client))
                throw new TpmTransportException(TpmTransportFault.Closed, $"{Address}: the server closed the connection");
            return new Connection(this, client);
        }
    }

    private sealed class Connection(InMemoryTpm server, ClientInfo client) : ITpmConnection
    {
        private readonly byte[] _response = new byte[TpmMessage.MaxLength];
        private bool _closed;

        public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
        {
            if (!TpmMessage.IsWhole(request)) throw new ArgumentException("the request's paramSize is not its length", nameof(request));
            lock (server._gate)
            {
                if (_closed) throw new TpmTransportException(TpmTransportFault.Broken, $"{server.Address}: the link failed before; open a new one");
                if (request.Length > server._options.MaxRequestLength)
                {
                    Close();
                    throw new TpmTransportException(TpmTransportFault.Closed, $"{server.Address}: the server closed the connection");
                }

                int length = server._dispatcher.Execute(client, request, _response);
                if (length == TpmServer.Deferred) length = server._dispatcher.AnswerDeferred(client, request, _response);   // a turn of one command
                if (length > response.Length)
                {
                    Close();
                    throw new TpmTransportException(TpmTransportFault.Malformed,
                        $"{server.Address}: a response of {length} bytes does not fit into {response.Length}");
                }

                _response.AsSpan(0, length).CopyTo(response);
                return length;
            }
        }

        public void Dispose()
        {
            lock (server._gate) Close();
        }

        private void Close()
        {
            if (_closed) return;
            _closed = true;
            server._dispatcher.Closed(client);
        }
    }
}
