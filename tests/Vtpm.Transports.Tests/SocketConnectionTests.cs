using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Vtpm.Transports.Tests;

public class SocketConnectionTests
{
    private static readonly TpmConnectionOptions Hasty = new() { ResponseTimeout = TimeSpan.FromMilliseconds(100) };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Transmit_Server_ReturnsTheResponse(bool tcp)
    {
        using var server = new TestServer(tcp: tcp);
        using var connection = TpmConnection.Open(server.Address);

        foreach (int length in new[] { 10, 300, 4096 })
            Assert.Equal(Messages.EchoOf(Messages.Request(length)), connection.Transmit(Messages.Request(length)));
    }

    [Fact]
    public void Link_OverASocketOfTheCallers_LeavesItOpen()
    {
        using var server = new TestServer();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(server.Address.Name));
        using (ITpmConnection first = TpmConnection.Over(socket)) first.Transmit(Messages.Request(10));

        using ITpmConnection second = TpmConnection.Over(socket);
        Assert.Equal(Messages.EchoOf(Messages.Request(20)), second.Transmit(Messages.Request(20)));
    }

    [Fact]
    public void Dispose_Twice_IsOnce()
    {
        using var server = new TestServer();
        ITpmConnection connection = TpmConnection.Open(server.Address);
        connection.Dispose();
        connection.Dispose();

        Assert.Equal(1, server.AwaitClosed().Id);
        Assert.Equal(TpmTransportFault.Broken, Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10))).Fault);
    }

    [Fact]
    public void Transmit_ResponseByteByByte_IsReassembled()
    {
        byte[] response = Messages.EchoOf(Messages.Request(40));
        using var peer = new ScriptedPeer(socket =>
        {
            foreach (byte b in response) socket.Send([b]);
        });
        using var connection = TpmConnection.Open(peer.Address);

        Assert.Equal(response, connection.Transmit(Messages.Request(10)));
    }

    [Theory]
    [InlineData("00C400000000", "0 bytes is too short")]
    [InlineData("00C40000000900000000", "9 bytes is too short")]
    [InlineData("00C40000100100000000", "4097 bytes does not fit into 4096")]
    [InlineData("00C4FFFFFFFF00000000", "4294967295 bytes does not fit")]
    [InlineData("00C40000000A0000000000", "1 bytes follow")]
    public void Transmit_MalformedResponse_ThrowsAndBreaksTheLink(string response, string error)
    {
        using var peer = new ScriptedPeer(socket => socket.Send(Convert.FromHexString(response)));
        using var connection = TpmConnection.Open(peer.Address);

        var e = Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10)));

        Assert.Equal(TpmTransportFault.Malformed, e.Fault);
        Assert.Contains(error, e.Message, StringComparison.Ordinal);
        Assert.Equal(TpmTransportFault.Broken, Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10))).Fault);
    }

    [Fact]
    public void Transmit_ResponseLargerThanRoom_IsMalformed()
    {
        using var server = new TestServer();
        using var connection = TpmConnection.Open(server.Address);

        Assert.Equal(TpmTransportFault.Malformed, Assert.Throws<TpmTransportException>(() =>
            connection.Transmit(Messages.Request(100), new byte[99])).Fault);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00C40000")]
    [InlineData("00C40000000F0000000000")]
    public void Transmit_ServerCloses_Throws(string response)
    {
        using var peer = new ScriptedPeer(socket => socket.Send(Convert.FromHexString(response)));
        using var connection = TpmConnection.Open(peer.Address);

        var e = Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10)));

        Assert.Equal(TpmTransportFault.Closed, e.Fault);
        Assert.Contains("closed the connection", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Transmit_ServerSilent_TimesOut()
    {
        using var done = new ManualResetEventSlim();
        using var peer = new ScriptedPeer(_ => done.Wait(RawClient.Patience));
        using var connection = TpmConnection.Open(peer.Address, Hasty);

        var e = Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10)));
        done.Set();

        Assert.Equal(TpmTransportFault.TimedOut, e.Fault);
        Assert.Contains("no response within 0.1 s", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Transmit_ServerDribbles_TimesOutAllTheSame()
    {
        using var gone = new ManualResetEventSlim();
        using var peer = new ScriptedPeer(socket =>
        {
            // One byte within each timeout, and more of them than fit into it.
            socket.Send(Messages.Header(4096));
            while (!gone.Wait(TimeSpan.FromMilliseconds(20))) socket.Send([0]);
        });
        using var connection = TpmConnection.Open(peer.Address, Hasty);

        var e = Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10)));
        gone.Set();

        Assert.Equal(TpmTransportFault.TimedOut, e.Fault);
    }

    [Theory]
    [InlineData("00C1")]
    [InlineData("00C10000000900000000")]
    [InlineData("00C10000000B00000014")]
    public void Transmit_RequestThatIsNotOneMessage_IsTheCallersError(string request)
    {
        using var server = new TestServer();
        using var connection = TpmConnection.Open(server.Address);

        Assert.Throws<ArgumentException>(() => connection.Transmit(Convert.FromHexString(request)));
        Assert.Equal(10, connection.Transmit(Messages.Request(10)).Length);
    }

    [Fact]
    public void Open_NoSuchSocket_SaysSo()
    {
        var e = Assert.Throws<TpmTransportException>(() => TpmConnection.Open(TpmAddress.Parse("unix:/nonexistent/socket")));

        Assert.Equal(TpmTransportFault.Unavailable, e.Fault);
        Assert.Contains("no such socket", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NobodyListens_SaysSo()
    {
        // Bound and not listening: the port is nobody else's.
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        var e = Assert.Throws<TpmTransportException>(() => TpmConnection.Open(TpmAddress.Tcp((IPEndPoint)bound.LocalEndPoint!)));

        Assert.Equal(TpmTransportFault.Unavailable, e.Fault);
        Assert.Contains("nothing listens there", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_BacklogFull_TimesOut()
    {
        var directory = Directory.CreateTempSubdirectory("vtpm");
        var address = TpmAddress.Unix(Path.Combine(directory.FullName, "s"));
        using var busy = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        busy.Bind(new UnixDomainSocketEndPoint(address.Name));
        busy.Listen(0);
        using var first = new RawClient(address);

        var e = Assert.Throws<TpmTransportException>(() =>
            TpmConnection.Open(address, new TpmConnectionOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50) }));

        Assert.Equal(TpmTransportFault.TimedOut, e.Fault);
        directory.Delete(recursive: true);
    }

    [Fact]
    public void Open_NamedAddress_IsAnError() =>
        Assert.Throws<TpmTransportException>(() => TpmConnection.Open(TpmAddress.Named("memory", "x")));
}
