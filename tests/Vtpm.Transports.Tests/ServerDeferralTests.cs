using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>Answers that are given at the end of a turn: what the clients of one turn have in common is done once. See ADR 12.</summary>
public sealed class ServerDeferralTests : IDisposable
{
    private const int Urgent = 40;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm");
    private readonly List<string> _events = [];

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Deferred_RequestsOfOneTurn_AreAnsweredTogetherInTheirOrder()
    {
        using TpmServer server = Listen(out TpmAddress[] addresses, sockets: 3, stopsAfter: 3);
        using var clients = new Clients(addresses);
        clients.SendEach(20, 21, 22);
        server.Run();
        Assert.Equal(["begin 20", "begin 21", "begin 22", "answer 20", "answer 21", "answer 22"], _events);
        for (int i = 0; i < 3; i++) Assert.Equal(Messages.EchoOf(Messages.Request(20 + i)), clients[i].Receive());
    }

    [Fact]
    public void Deferred_RequestsOfOneClient_TakeATurnEach()
    {
        using TpmServer server = Listen(out TpmAddress[] addresses, sockets: 2, stopsAfter: 3);
        using var clients = new Clients(addresses);
        clients[0].Send([.. Messages.Request(20), .. Messages.Request(21)]);
        clients[1].Send(Messages.Request(30));
        server.Run();
        Assert.Equal(["begin 20", "begin 30", "answer 20", "answer 30", "begin 21", "answer 21"], _events);
        Assert.Equal([20, 21], [clients[0].Receive().Length, clients[0].Receive().Length]);
    }

    [Fact]
    public void AnswerDeferred_FromTheHandler_AnswersThoseBeforeIt()
    {
        using TpmServer server = Listen(out TpmAddress[] addresses, sockets: 4, stopsAfter: 4);
        using var clients = new Clients(addresses);
        clients.SendEach(20, 21, Urgent, 23);
        server.Run();
        Assert.Equal(["begin 20", "begin 21", "answer 20", "answer 21", $"begin {Urgent}", "begin 23", "answer 23"], _events);
        Assert.Equal([20, 21, Urgent, 23], Enumerable.Range(0, 4).Select(i => clients[i].Receive().Length));
    }

    [Fact]
    public void Deferred_ClientLeavesBeforeItsAnswer_DisturbsNobody()
    {
        using TpmServer server = Listen(out TpmAddress[] addresses, sockets: 3, stopsAfter: 4);
        using var clients = new Clients(addresses);
        clients.SendEach(20, 21, 22);
        clients[1].Dispose();
        clients[2].Send(Messages.Request(23));
        server.Run();
        Assert.Equal(20, clients[0].Receive().Length);
        Assert.Equal([22, 23], [clients[2].Receive().Length, clients[2].Receive().Length]);
        Assert.Equal(["begin 20", "begin 21", "begin 22", "answer 20", "answer 21", "answer 22", "closed 2", "begin 23", "answer 23"], _events);
    }

    [Fact]
    public void Deferred_AnswerFails_IsATpmFailForItsClientAlone()
    {
        using TpmServer server = Listen(out TpmAddress[] addresses, sockets: 2, stopsAfter: 2, answer: (client, request, response) =>
            request.Length == 20 ? throw new InvalidDataException("no answer") : Messages.Echo(client, request, response));
        using var clients = new Clients(addresses);
        clients.SendEach(20, 21);
        server.Run();
        Assert.Equal([0, 0, 0, 9], clients[0].Receive()[6..]);
        Assert.Equal(Messages.EchoOf(Messages.Request(21)), clients[1].Receive());
    }

    [Fact]
    public void Deferred_AgainByTheAnswer_IsATpmFail()
    {
        using TpmServer server = Listen(out TpmAddress[] addresses, sockets: 1, stopsAfter: 1, answer: (_, _, _) => TpmServer.Deferred);
        using var clients = new Clients(addresses);
        clients.SendEach(20);
        server.Run();
        Assert.Equal([0, 0, 0, 9], clients[0].Receive()[6..]);
    }

    [Fact]
    public void Deferred_WithoutAnAnswer_IsATpmFail()
    {
        using var server = new TestServer((_, _, _) => TpmServer.Deferred);
        using RawClient client = server.Connect();
        Assert.Equal([0, 0, 0, 9], client.Exchange(Messages.Request(20))[6..]);
        Assert.Contains("not a message", server.AwaitLog(), StringComparison.Ordinal);
    }

    [Fact]
    public void Deferred_InMemory_IsAnsweredAtOnce()
    {
        var server = new InMemoryTpm((_, _, _) => TpmServer.Deferred, new TpmServerOptions { AnswerDeferred = Messages.Echo });
        using ITpmConnection connection = server.Connect();
        Assert.Equal(Messages.EchoOf(Messages.Request(20)), connection.Transmit(Messages.Request(20)));
    }

    // Nothing is served before Run: what clients have sent until then is in its first turn. It ends after so many answers.
    private TpmServer Listen(out TpmAddress[] addresses, int sockets, int stopsAfter, TpmRequestHandler? answer = null)
    {
        TpmServer server = null!;
        int answers = 0;
        server = new TpmServer(
            (client, request, response) =>
            {
                if (request.Length == Urgent) server.AnswerDeferred();
                _events.Add($"begin {request.Length}");
                if (request.Length != Urgent) return TpmServer.Deferred;
                answers++;
                return Messages.Echo(client, request, response);
            },
            new TpmServerOptions
            {
                AnswerDeferred = (client, request, response) =>
                {
                    _events.Add($"answer {request.Length}");
                    if (++answers == stopsAfter) server.Stop();
                    return (answer ?? Messages.Echo)(client, request, response);
                },
                ClientClosed = client =>
                {
                    if (answers < stopsAfter) _events.Add($"closed {client.Id}");
                },
            });
        addresses = [.. Enumerable.Range(0, sockets).Select(i => server.Listen(TpmAddress.Unix(Path.Combine(_directory.FullName, $"{i}"))).Address)];
        return server;
    }

    /// <summary>One for each socket.</summary>
    private sealed class Clients(TpmAddress[] addresses) : IDisposable
    {
        private readonly RawClient[] _clients = [.. addresses.Select(address => new RawClient(address))];

        public RawClient this[int index] => _clients[index];

        public void SendEach(params ReadOnlySpan<int> lengths)
        {
            for (int i = 0; i < lengths.Length; i++) _clients[i].Send(Messages.Request(lengths[i]));
        }

        public void Dispose()
        {
            foreach (RawClient client in _clients) client.Dispose();
        }
    }
}
