using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>Many clients, some of them hostile: none disturbs another.</summary>
public class ServerClientsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_TwoClientsFlood_ThirdIsServedWithinTwoTurns(bool thirdIsConnected)
    {
        using var go = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var order = new ConcurrentQueue<int>();
        using var server = new TestServer((client, request, response) =>
        {
            if (request.Length == 11)
            {
                begun.Set();
                go.Wait(RawClient.Patience);
            }

            order.Enqueue(request.Length);
            return Messages.Echo(client, request, response);
        });
        using var third = server.Connect();
        using var first = server.Connect();
        using var second = server.Connect();
        if (thirdIsConnected) third.Exchange(Messages.Request(10));
        byte[] flood = [.. Enumerable.Repeat(Messages.Request(12), 300).SelectMany(r => r)];

        first.Send([.. Messages.Request(11), .. flood]);
        Assert.True(begun.Wait(RawClient.Patience, TestContext.Current.CancellationToken));
        second.Send(flood);
        third.Send(Messages.Request(13));
        go.Set();
        third.Receive();

        // Two turns of three clients, and the one that was running.
        Assert.InRange(order.SkipWhile(length => length != 11).Skip(1).TakeWhile(length => length != 13).Count(), 0, 6);
        for (int i = 0; i < 301; i++) first.Receive();
        for (int i = 0; i < 300; i++) second.Receive();
    }

    [Fact]
    public void Server_FullOfClients_ServesTheNextWhenOneLeaves()
    {
        using var server = new TestServer(options: new TpmServerOptions { MaxClients = 2 });
        using var first = server.Connect();
        var second = server.Connect();
        first.Exchange(Messages.Request(10));
        second.Exchange(Messages.Request(10));
        using var third = server.Connect();
        third.Send(Messages.Request(33));

        for (int turn = 0; turn < 5; turn++) first.Exchange(Messages.Request(10));
        Assert.Equal(0, third.Socket.Available);
        Assert.Contains("2 clients are connected, the limit", server.AwaitLog(), StringComparison.Ordinal);
        second.Dispose();

        Assert.Equal(33, third.Receive().Length);
    }

    [Fact]
    public void Server_OneSocketFullOfClients_DoesNotKeepThoseOfAnotherWaiting()
    {
        using var server = new TestServer(options: new TpmServerOptions { MaxClients = 8, MaxClientsPerListener = 2 });
        using var first = server.Connect();
        var second = server.Connect();
        first.Exchange(Messages.Request(10));
        second.Exchange(Messages.Request(10));
        using var third = server.Connect();
        third.Send(Messages.Request(33));

        using var other = new RawClient(server.Other.Address);
        for (int turn = 0; turn < 5; turn++) Assert.Equal(21, other.Exchange(Messages.Request(21)).Length);
        Assert.Equal(0, third.Socket.Available);
        Assert.Contains($"{server.Address}: 2 clients are connected, the limit for one socket", server.AwaitLog(), StringComparison.Ordinal);
        second.Dispose();

        Assert.Equal(33, third.Receive().Length);
        Assert.Equal(2, server.AwaitClosed().Id);
    }

    [Fact]
    public void Server_RequestNeverCompleted_IsGivenUp()
    {
        using var server = new TestServer(options: new TpmServerOptions { RequestTimeout = TimeSpan.FromMilliseconds(50) });
        using var idle = server.Connect();
        idle.Exchange(Messages.Request(10));
        using var loris = server.Connect();

        loris.Send(Messages.Request(40).AsSpan(0, 7));

        Assert.True(loris.ReceivesEnd());
        Assert.Contains("did not follow within 0.05 s", server.AwaitLog(), StringComparison.Ordinal);
        // Whoever has sent nothing has all the time of the world.
        Assert.Equal(10, idle.Exchange(Messages.Request(10)).Length);
    }

    [Fact]
    public void Server_PartialRequests_DoNotHoldOthersUp()
    {
        using var server = new TestServer();
        var lorises = Enumerable.Range(1, 20).Select(_ => server.Connect()).ToList();
        for (int i = 0; i < lorises.Count; i++) lorises[i].Send(Messages.Request(30).AsSpan(0, i + 1));
        using var client = server.Connect();

        Assert.Equal(50, client.Exchange(Messages.Request(50)).Length);
        for (int i = 0; i < lorises.Count; i++)
        {
            lorises[i].Send(Messages.Request(30).AsSpan(i + 1));
            Assert.Equal(Messages.EchoOf(Messages.Request(30)), lorises[i].Receive());
            lorises[i].Dispose();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_ClientDoesNotReadItsResponses_OthersAreServedAndNothingIsLost(bool tcp)
    {
        using var server = new TestServer(Long, tcp: tcp);
        using var deaf = server.Connect();
        int whole = SendUntilFull(deaf);
        using var client = server.Connect();

        Assert.Equal(TpmMessage.MaxLength, client.Exchange(Messages.Request(10)).Length);
        deaf.Socket.Blocking = true;
        for (int i = 0; i < whole; i++) Assert.Equal(TpmMessage.MaxLength, deaf.Receive().Length);
    }

    [Fact]
    public void Server_ClientNeverReadsItsResponses_IsGivenUp()
    {
        using var server = new TestServer(Long, new TpmServerOptions { SendTimeout = TimeSpan.FromMilliseconds(50) });
        using var deaf = server.Connect();
        var patience = Stopwatch.StartNew();
        // On a busy machine a pause is not yet a full buffer: go on until the server has had enough.
        while (!server.HasLogged && patience.Elapsed < RawClient.Patience) SendUntilFull(deaf);

        Assert.Contains("did not take its response within 0.05 s", server.AwaitLog(), StringComparison.Ordinal);
        Assert.Equal(1, server.AwaitClosed().Id);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_ClientVanishesWithResponsesUnread_IsForgotten(bool tcp)
    {
        using var server = new TestServer(Long, tcp: tcp);
        using (var deaf = server.Connect()) SendUntilFull(deaf);

        Assert.Equal(1, server.AwaitClosed().Id);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(12)]
    public void Server_ClientVanishesMidRequest_IsForgotten(int sent)
    {
        using var server = new TestServer();
        using var other = server.Connect();
        other.Exchange(Messages.Request(10));
        using (var client = server.Connect()) client.Send(Messages.Request(20).AsSpan(0, sent));

        Assert.Equal(2, server.AwaitClosed().Id);
        Assert.Equal(10, other.Exchange(Messages.Request(10)).Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_ClientVanishesBeforeItsResponse_IsForgotten(bool tcp)
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
        using (var client = server.Connect())
        {
            client.Send(Messages.Request(20));
            Assert.True(begun.Wait(RawClient.Patience, TestContext.Current.CancellationToken));
        }

        go.Set();

        Assert.Equal(1, server.AwaitClosed().Id);
        using var other = server.Connect();
        Assert.Equal(10, other.Exchange(Messages.Request(10)).Length);
    }

    [Fact]
    public void ClientOpened_ReturnsFalseOrThrows_TurnsTheClientAway()
    {
        using var server = new TestServer(options: new TpmServerOptions
        {
            ClientOpened = client => client.Id switch { 1 => false, 2 => throw new InvalidOperationException("a defect"), _ => true },
        });

        for (int i = 0; i < 2; i++)
        {
            using var refused = server.Connect();
            Assert.True(refused.ReceivesEnd());
        }

        using (var welcome = server.Connect()) Assert.Equal(10, welcome.Exchange(Messages.Request(10)).Length);
        // Who was never let in does not leave.
        Assert.Equal(3, server.AwaitClosed().Id);
    }

    [Fact]
    public void ClientInfo_UnixSocket_CarriesTheKernelsCredentials()
    {
        ClientInfo? seen = null;
        using var server = new TestServer((client, request, response) =>
        {
            seen = client;
            client.State ??= "remembered";
            return Messages.Echo(client, request, response);
        });
        using var client = server.Connect();
        client.Exchange(Messages.Request(10));
        client.Exchange(Messages.Request(10));

        uint Effective(string field) => uint.Parse(
            File.ReadLines("/proc/self/status").First(line => line.StartsWith(field, StringComparison.Ordinal)).Split('\t')[2],
                CultureInfo.InvariantCulture);
        Assert.Equal(new PeerCredentials(Environment.ProcessId, Effective("Uid:"), Effective("Gid:")), seen?.Credentials);
        Assert.Equal(server.Address, seen?.Listener);
        Assert.Equal("remembered", seen?.State);
    }

    [Fact]
    public void ClientInfo_Tcp_NamesThePeer()
    {
        ClientInfo? seen = null;
        using var server = new TestServer(
            (client, request, response) =>
            {
                seen = client;
                return Messages.Echo(client, request, response);
            },
            tcp: true);
        using var client = server.Connect();
        client.Exchange(Messages.Request(10));

        Assert.Null(seen?.Credentials);
        Assert.Equal($"client 1 ({client.Socket.LocalEndPoint}) of {server.Address}", seen?.ToString());
    }

    private static int Long(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        Messages.WriteHeader(response, 0x00C4, (uint)response.Length, 0);
        return response.Length;
    }

    /// <summary>Sends requests until the system takes no more: both directions are full then.</summary>
    /// <returns>How many were sent whole.</returns>
    private static int SendUntilFull(RawClient client)
    {
        byte[] request = Messages.Request(TpmMessage.MaxLength);
        client.Socket.Blocking = false;
        int sent = 0;
        while (client.Socket.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectWrite))
        {
            sent += client.Socket.Send(request.AsSpan(sent % request.Length), SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock)) break;
        }

        return sent / request.Length;
    }
}
