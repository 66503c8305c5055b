using System.Collections.Concurrent;

namespace Vtpm.Transports.Tests;

/// <summary>A server that runs on a thread of its own, in a directory of its own, and keeps its log and its clients' comings and goings.</summary>
internal sealed class TestServer : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm");
    private readonly Thread _thread;
    private readonly BlockingCollection<ClientInfo> _closed = [];
    private readonly BlockingCollection<string> _log = [];
    private Exception? _fault;

    public TestServer(TpmRequestHandler? handler = null, TpmServerOptions? options = null, bool tcp = false)
    {
        options ??= new TpmServerOptions();
        Server = new TpmServer(handler ?? Messages.Echo, options with { ClientClosed = _closed.Add, Log = _log.Add });
        Listener = Server.Listen(tcp ? TpmAddress.Parse("tcp:127.0.0.1:0") : TpmAddress.Unix(Path.Combine(_directory.FullName, "s")));
        Other = Server.Listen(TpmAddress.Unix(Path.Combine(_directory.FullName, "other")));
        _thread = new Thread(Run);
        _thread.Start();
    }

    public TpmServer Server { get; }

    public TpmListener Listener { get; }

    /// <summary>A second socket of the same server.</summary>
    public TpmListener Other { get; }

    public TpmAddress Address => Listener.Address;

    public bool HasLogged => _log.Count > 0;

    public int Logged => _log.Count;

    public RawClient Connect() => new(Address);

    public ClientInfo AwaitClosed() =>
        _closed.TryTake(out var client, RawClient.Patience) ? client : throw new TimeoutException("no client has left");

    public string AwaitLog() => _log.TryTake(out string? line, RawClient.Patience) ? line : throw new TimeoutException("nothing was logged");

    /// <summary>Waits for the server to end, which <see cref="TpmServer.Stop"/> must have asked for.</summary>
    public void Join()
    {
        if (!_thread.Join(RawClient.Patience)) throw new TimeoutException("the server does not stop");
        if (_fault is not null) throw new InvalidOperationException("the server's loop has thrown", _fault);
    }

    public void Dispose()
    {
        Server.Stop();
        Join();
        Server.Dispose();
        _closed.Dispose();
        _log.Dispose();
        _directory.Delete(recursive: true);
    }

    private void Run()
    {
        try
        {
            Server.Run();
        }
        catch (Exception e)
        {
            _fault = e;
        }
    }
}
