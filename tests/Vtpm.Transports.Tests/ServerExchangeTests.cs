using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>Requests come as the stream cuts them; each is answered once, in order.</summary>
public class ServerExchangeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_RequestsOfEveryInterestingLength_AreAnswered(bool tcp)
    {
        using var server = new TestServer(tcp: tcp);
        using var client = server.Connect();

        foreach (int length in new[] { 10, 11, 50, 1460, 4088, 4089, 4095, 4096 })
            Assert.Equal(Messages.EchoOf(Messages.Request(length)), client.Exchange(Messages.Request(length)));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(9u)]
    [InlineData(4097u)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(0xFFFFFFFFu)]
    public void Server_InsaneLength_ClosesThatConnectionOnly(uint size)
    {
        using var server = new TestServer();
        using var other = server.Connect();
        using var client = server.Connect();

        client.Send(Messages.Header(size));

        Assert.True(client.ReceivesEnd());
        Assert.Contains($"request of {size} bytes", server.AwaitLog(), StringComparison.Ordinal);
        Assert.Equal(Messages.EchoOf(Messages.Request(20)), other.Exchange(Messages.Request(20)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_InsaneLengthAfterRequests_AnswersThemFirst(bool tcp)
    {
        using var server = new TestServer(tcp: tcp);
        using var client = server.Connect();

        client.Send([.. Messages.Request(20), .. Messages.Request(30), .. Messages.Header(5), .. new byte[500]]);

        Assert.Equal(20, client.Receive().Length);
        Assert.Equal(30, client.Receive().Length);
        Assert.True(client.ReceivesEnd());
    }

    [Fact]
    public void Server_ClosesWithBytesUnread_AnswersOnTheirWayStillArrive()
    {
        const int count = 20;
        using var server = new TestServer(
            (_, _, response) =>
            {
                Messages.WriteHeader(response, 0x00C4, TpmMessage.MaxLength, 0);
                return TpmMessage.MaxLength;
            },
            tcp: true);
        // A client with little room: most answers are still with the server's system when the connection closes.
        using var client = new RawClient(server.Address, receiveBuffer: 4096);

        client.Send([.. Enumerable.Repeat(Messages.Request(10), count).SelectMany(r => r), .. Messages.Header(5), .. new byte[20000]]);
        server.AwaitClosed();

        for (int i = 0; i < count; i++) Assert.Equal(TpmMessage.MaxLength, client.Receive().Length);
        Assert.True(client.ReceivesEnd());
    }

    [Fact]
    public void Server_LengthAboveConfiguredLimit_IsInsane()
    {
        using var server = new TestServer(options: new TpmServerOptions { MaxRequestLength = 100 });
        using var client = server.Connect();

        Assert.Equal(100, client.Exchange(Messages.Request(100)).Length);
        client.Send(Messages.Request(101));

        Assert.True(client.ReceivesEnd());
    }

    [Fact]
    public void Server_RequestSplitAtEveryByte_IsAnswered()
    {
        using var server = new TestServer();
        using var client = server.Connect();
        using var clock = server.Connect();
        byte[] request = Messages.Request(14);

        for (int split = 1; split < request.Length; split++)
        {
            client.Send(request.AsSpan(0, split));
            // Two answers to another client: by then the server has looked at the first part and found nothing to do.
            clock.Exchange(Messages.Request(10));
            clock.Exchange(Messages.Request(10));
            Assert.Equal(0, client.Socket.Available);
            client.Send(request.AsSpan(split));
            Assert.Equal(Messages.EchoOf(request), client.Receive());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_RequestsPipelined_AreAnsweredInOrder(bool tcp)
    {
        using var server = new TestServer(tcp: tcp);
        using var client = server.Connect();
        // Beyond the buffer of one client, and across its end.
        byte[][] requests = [.. Enumerable.Range(0, 40).Select(i => Messages.Request(10 + (i * 37 % 900), (byte)i))];

        client.Send([.. requests.SelectMany(r => r)]);

        foreach (byte[] request in requests) Assert.Equal(Messages.EchoOf(request), client.Receive());
    }

    [Fact]
    public void Server_ClientHalfClosesAfterRequests_AnswersThemAll()
    {
        using var server = new TestServer();
        using var client = server.Connect();

        client.Send([.. Messages.Request(20), .. Messages.Request(30)]);
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        Assert.Equal(20, client.Receive().Length);
        Assert.Equal(30, client.Receive().Length);
        Assert.True(client.ReceivesEnd());
    }

    [Fact]
    public void Server_HandlerThrows_AnswersFailAndServesOn()
    {
        bool clean = false;
        using var server = new TestServer((client, request, response) =>
        {
            clean = !response.ContainsAnyExcept((byte)0);
            response.Fill(0xEE);
            return request.Length == 13 ? throw new InvalidOperationException("a defect") : Messages.Echo(client, request, response);
        });
        using var client = server.Connect();

        Assert.Equal(Convert.FromHexString("00C40000000A00000009"), client.Exchange(Messages.Request(13)));
        Assert.Contains("a defect", server.AwaitLog(), StringComparison.Ordinal);
        Assert.Equal(12, client.Exchange(Messages.Request(12)).Length);
        // What the defect left behind is no business of the next client.
        Assert.True(clean);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(11)]
    [InlineData(-1)]
    [InlineData(4097)]
    public void Server_HandlerReturnsWrongLength_AnswersFail(int length)
    {
        using var server = new TestServer((client, request, response) =>
        {
            Messages.Echo(client, request, response);
            return length;
        });
        using var client = server.Connect();

        Assert.Equal(Convert.FromHexString("00C40000000A00000009"), client.Exchange(Messages.Request(10)));
    }

    [Theory]
    [InlineData(0x01C1)]
    [InlineData(0x01C2)]
    public void Server_HandlerFailsOnManagerRequest_AnswersWithManagerTag(int tag)
    {
        using var server = new TestServer((_, _, _) => 0);
        using var client = server.Connect();
        byte[] request = Messages.Request(10);
        Messages.WriteHeader(request, (ushort)tag, 10, 0);

        Assert.Equal(Convert.FromHexString("01C40000000A00000009"), client.Exchange(request));
    }

    [Fact]
    public void Server_SteadyTraffic_AllocatesNothing()
    {
        const int from = 2000, to = 4000;
        int count = 0;
        long allocated = 0;
        using var server = new TestServer((client, request, response) =>
        {
            count++;
            if (count == from) allocated = GC.GetAllocatedBytesForCurrentThread();
            if (count == to) allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            return Messages.Echo(client, request, response);
        });
        using var client = server.Connect();

        for (int i = 0; i < to; i++) client.Exchange(Messages.Request(50));

        Assert.InRange(allocated, 0, 2000);
    }
}
