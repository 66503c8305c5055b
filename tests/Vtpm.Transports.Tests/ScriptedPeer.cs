using System.Net.Sockets;

namespace Vtpm.Transports.Tests;

/// <summary>A server that misbehaves by script: it takes one client and one request, and plays its script.</summary>
internal sealed class ScriptedPeer : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Thread _thread;

    public ScriptedPeer(Action<Socket> script)
    {
        Address = TpmAddress.Unix(Path.Combine(_directory.FullName, "s"));
        _listener.Bind(new UnixDomainSocketEndPoint(Address.Name));
        _listener.Listen();
        _thread = new Thread(() =>
        {
            using var socket = _listener.Accept();
            byte[] request = new byte[TpmMessage.MaxLength];
            int held = 0;
            while (!TpmMessage.IsWhole(request.AsSpan(0, held))) held += socket.Receive(request.AsSpan(held));
            try
            {
                script(socket);
            }
            catch (SocketException)
            {
                // The client has had enough.
            }
        });
        _thread.Start();
    }

    public TpmAddress Address { get; }

    public void Dispose()
    {
        _thread.Join();
        _listener.Dispose();
        _directory.Delete(recursive: true);
    }
}
