using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>Starting, stopping, and what is left behind.</summary>
public sealed class ServerLifeTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm");

    private string SocketPath => Path.Combine(_directory.FullName, "socket");

    private TpmAddress Address => TpmAddress.Unix(SocketPath);

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Clients_ThatAreTurnedAwayWithoutEnd_FillNoLog()
    {
        using var server = new TestServer(options: new TpmServerOptions { ClientOpened = _ => false });
        for (int i = 0; i < 200; i++)
        {
            using RawClient client = server.Connect();
            Assert.True(client.ReceivesEnd());
        }

        Assert.InRange(server.Logged, 1, 100);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Stop_WhileACommandRuns_AnswersItAndCloses(bool tcp)
    {
        using var go = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        using var server = new TestServer(
            (client, request, response) =>
            {
                begun.Set();
                go.Wait(RawClient.Patience);
                return Messages.Echo(client, request, response);
            },
            tcp: tcp);
        using var client = server.Connect();
        // The second request is never begun, and must not cost the first its answer.
        client.Send([.. Messages.Request(20), .. Messages.Request(30)]);
        Assert.True(begun.Wait(RawClient.Patience, TestContext.Current.CancellationToken));

        server.Server.Stop();
        client.Send(Messages.Request(40));
        go.Set();

        Assert.Equal(20, client.Receive().Length);
        Assert.True(client.ReceivesEnd());
        server.Join();
        Assert.Equal(1, server.AwaitClosed().Id);
    }

    [Fact]
    public void Stop_UnderLoad_EveryClientSeesWholeAnswersThenTheEnd()
    {
        using var server = new TestServer();
        using var warm = new CountdownEvent(4);
        var faults = new TpmTransportFault?[4];
        var threads = Enumerable.Range(0, faults.Length).Select(i => new Thread(() =>
        {
            using var connection = TpmConnection.Open(server.Address);
            byte[] request = Messages.Request(100 + i, (byte)i);
            byte[] expected = Messages.EchoOf(request);
            try
            {
                for (int n = 0; ; n++)
                {
                    if (!expected.SequenceEqual(connection.Transmit(request))) return;
                    if (n == 100) warm.Signal();
                }
            }
            catch (TpmTransportException e)
            {
                faults[i] = e.Fault;
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        Assert.True(warm.Wait(RawClient.Patience, TestContext.Current.CancellationToken));

        server.Server.Stop();
        server.Join();
        threads.ForEach(thread => thread.Join());

        Assert.All(faults, fault => Assert.True(fault is TpmTransportFault.Closed or TpmTransportFault.Failed, $"{fault}"));
    }

    [Fact]
    public void Stop_FromTheHandler_Ends()
    {
        TestServer? server = null;
        using (server = new TestServer((client, request, response) =>
        {
            server!.Server.Stop();
            return Messages.Echo(client, request, response);
        }))
        {
            using var client = server.Connect();
            Assert.Equal(10, client.Exchange(Messages.Request(10)).Length);
            Assert.True(client.ReceivesEnd());
            server.Join();
        }
    }

    [Fact]
    public void Stop_OthersHaveRequestsPending_NoneIsBegun()
    {
        var served = new List<int>();
        TpmServer? running = null;
        using var server = running = new TpmServer((client, request, response) =>
        {
            served.Add(request.Length);
            if (request.Length == 11) running!.Stop();
            return Messages.Echo(client, request, response);
        });
        server.Listen(Address);
        using var first = new RawClient(Address);
        using var second = new RawClient(Address);
        byte[] many = [.. Enumerable.Repeat(Messages.Request(10), 5).SelectMany(r => r)];
        first.Send([.. many, .. Messages.Request(11)]);
        second.Send([.. many, .. many]);

        server.Run();

        Assert.Equal(11, served[^1]);
        // Both were taking turns when it happened.
        Assert.InRange(served.Count, 7, 11);
    }

    [Fact]
    public void Run_TwoSocketsAndRoomForOneClient_ServesOneAtATime()
    {
        int present = 0, most = 0;
        using var server = new TpmServer(Messages.Echo, new TpmServerOptions
        {
            MaxClients = 1,
            ClientOpened = _ => (most = Math.Max(most, ++present)) > 0,
            ClientClosed = _ => present--,
        });
        var address = server.Listen(Address).Address;
        var other = server.Listen(TpmAddress.Parse("tcp:127.0.0.1:0")).Address;
        var first = new RawClient(address);
        using var second = new RawClient(other);
        var thread = new Thread(server.Run);
        thread.Start();

        Assert.Equal(10, first.Exchange(Messages.Request(10)).Length);
        first.Dispose();
        Assert.Equal(10, second.Exchange(Messages.Request(10)).Length);
        server.Stop();
        thread.Join();

        Assert.Equal(1, most);
    }

    [Fact]
    public void Stop_BeforeRun_RunReturnsAtOnce()
    {
        using var server = new TpmServer(Messages.Echo);
        server.Listen(Address);

        server.Stop();
        server.Run();

        Assert.False(File.Exists(SocketPath));
        Assert.Throws<ObjectDisposedException>(server.Run);
    }

    [Fact]
    public void Dispose_NeverRun_UnlinksTheSocket()
    {
        using (var server = new TpmServer(Messages.Echo))
        {
            server.Listen(Address);
            Assert.True(File.Exists(SocketPath));
        }

        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public void Listen_SocketOfADeadServer_IsReplaced()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath + ".old"));
            dead.Listen();
            // The base library unlinks the name it knows: so this one stays behind.
            File.Move(SocketPath + ".old", SocketPath);
        }

        Assert.True(File.Exists(SocketPath));
        using var server = new TpmServer(Messages.Echo);
        server.Listen(Address);
        using var client = new RawClient(Address);
        Assert.True(client.Socket.Connected);
    }

    [Fact]
    public void Listen_SocketOfALiveServer_IsAnError()
    {
        using var live = new TestServer();
        using var client = live.Connect();
        client.Exchange(Messages.Request(10));
        using var server = new TpmServer(Messages.Echo);

        var e = Assert.Throws<TpmTransportException>(() => server.Listen(live.Address));

        Assert.Equal(TpmTransportFault.InUse, e.Fault);
        Assert.Contains("another server listens there", e.Message, StringComparison.Ordinal);
        Assert.Equal(10, client.Exchange(Messages.Request(10)).Length);
    }

    [Fact]
    public void Listen_FileThatIsNoSocket_IsAnErrorAndUntouched()
    {
        File.WriteAllText(SocketPath, "precious");
        using var server = new TpmServer(Messages.Echo);

        var e = Assert.Throws<TpmTransportException>(() => server.Listen(Address));

        Assert.Equal(TpmTransportFault.InUse, e.Fault);
        Assert.Contains("not a socket", e.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(SocketPath));
    }

    [Fact]
    public void Listen_DirectoryMissing_SaysSo()
    {
        using var server = new TpmServer(Messages.Echo);

        var e = Assert.Throws<TpmTransportException>(() => server.Listen(TpmAddress.Unix(Path.Combine(SocketPath, "socket"))));

        Assert.Contains("directory does not exist", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite)]
    public void Listen_UnixMode_IsTheFilesMode(UnixFileMode mode)
    {
        using var server = new TpmServer(Messages.Echo, new TpmServerOptions { UnixMode = mode });
        server.Listen(Address);

        Assert.Equal(mode, OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void Options_Default_OnlyTheOwnerMayConnect() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new TpmServerOptions().UnixMode);

    [Theory]
    [InlineData("tcp:127.0.0.1:0", true)]
    [InlineData("tcp:localhost:0", true)]
    [InlineData("tcp:0.0.0.0:0", false)]
    public void Listen_TcpPortZero_ReportsThePortAndItsReach(string address, bool loopback)
    {
        using var server = new TpmServer(Messages.Echo);

        var listener = server.Listen(TpmAddress.Parse(address));

        Assert.NotEqual(0, listener.Address.Port);
        Assert.Equal(loopback, listener.IsLoopback);
        using var client = new RawClient(TpmAddress.Tcp(new IPEndPoint(IPAddress.Loopback, listener.Address.Port)));
        Assert.True(client.Socket.Connected);
    }

    [Fact]
    public void Listen_TcpPortTaken_IsAnError()
    {
        using var first = new TpmServer(Messages.Echo);
        var taken = first.Listen(TpmAddress.Parse("tcp:127.0.0.1:0")).Address;
        using var second = new TpmServer(Messages.Echo);

        Assert.Equal(TpmTransportFault.InUse, Assert.Throws<TpmTransportException>(() => second.Listen(taken)).Fault);
    }

    [Fact]
    public void Listen_Device_IsAnError()
    {
        using var server = new TpmServer(Messages.Echo);

        Assert.Contains("a server listens on", Assert.Throws<TpmTransportException>(() => server.Listen(TpmAddress.Parse("/dev/tpm0"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Listen_SeveralAddresses_ServesAll()
    {
        using var server = new TpmServer((client, request, response) =>
        {
            int length = Messages.Echo(client, request, response);
            response[10] = (byte)client.Listener.Kind;
            return length;
        });
        TpmAddress[] addresses = [server.Listen(Address).Address, server.Listen(TpmAddress.Parse("tcp:127.0.0.1:0")).Address];
        var thread = new Thread(server.Run);
        thread.Start();

        foreach (var address in addresses)
        {
            using var connection = TpmConnection.Open(address);
            Assert.Equal((byte)address.Kind, connection.Transmit(Messages.Request(11))[10]);
        }

        server.Stop();
        thread.Join();
    }

    [Fact]
    public void ListenInherited_ListeningSocket_IsServedAndItsFileStays()
    {
        var given = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        given.Bind(new UnixDomainSocketEndPoint(SocketPath));
        given.Listen();
        int descriptor = (int)given.SafeHandle.DangerousGetHandle();
        given.SafeHandle.SetHandleAsInvalid();
        using var server = new TpmServer(Messages.Echo);

        var listener = server.ListenInherited(descriptor);

        Assert.Equal(Address, listener.Address);
        var thread = new Thread(server.Run);
        thread.Start();
        using (var client = new RawClient(Address)) Assert.Equal(10, client.Exchange(Messages.Request(10)).Length);
        server.Stop();
        thread.Join();
        Assert.True(File.Exists(SocketPath));
    }

    [Fact]
    public void ListenInherited_NotStartedBySystemd_IsNothing()
    {
        using var server = new TpmServer(Messages.Echo);

        Assert.Empty(server.ListenInherited());
        Assert.Equal(TpmTransportFault.Unavailable, Assert.Throws<TpmTransportException>(() => server.ListenInherited(12345)).Fault);
    }
}
