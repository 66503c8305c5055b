using System.Collections.Concurrent;
using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>What has to be found out about a client before it is served keeps nobody but that client waiting.</summary>
public sealed class ServerPreparationTests
{
    private readonly BlockingCollection<(ClientInfo Client, TaskCompletionSource Preparation)> _opened = [];
    private readonly ConcurrentQueue<long> _served = [];

    private TpmServerOptions Options => new()
    {
        ClientOpened = client =>
        {
            var preparation = new TaskCompletionSource();
            client.Preparation = preparation.Task;
            _opened.Add((client, preparation), TestContext.Current.CancellationToken);
            return true;
        },
    };

    [Fact]
    public void Client_ThatIsBeingPrepared_WaitsAndNobodyElseDoes()
    {
        using var server = new TestServer(Serve, Options);
        using RawClient first = server.Connect();
        first.Send(Messages.Request(20));
        TaskCompletionSource preparation = AwaitOpened().Preparation;
        using RawClient second = server.Connect();
        AwaitOpened().Preparation.SetResult();
        Assert.Equal(Messages.EchoOf(Messages.Request(21)), second.Exchange(Messages.Request(21)));
        Assert.Equal([2], _served);

        preparation.SetResult();
        Assert.Equal(Messages.EchoOf(Messages.Request(20)), first.Receive());
        Assert.Equal([2, 1], _served);
    }

    [Fact]
    public void Client_WhosePreparationFails_IsServed()
    {
        using var server = new TestServer(Serve, Options);
        using RawClient client = server.Connect();
        AwaitOpened().Preparation.SetException(new InvalidDataException("not known"));
        Assert.Equal(Messages.EchoOf(Messages.Request(20)), client.Exchange(Messages.Request(20)));
    }

    [Fact]
    public void Client_ThatLeavesWhileItIsPrepared_IsNotServed()
    {
        using var server = new TestServer(Serve, Options);
        using (server.Connect())
        {
            // It goes without a word.
        }

        (ClientInfo client, TaskCompletionSource preparation) = AwaitOpened();
        preparation.SetResult();
        Assert.Same(client, server.AwaitClosed());
        Assert.Empty(_served);
    }

    [Fact]
    public void Server_ThatStopsBefore_IsDone()
    {
        TaskCompletionSource preparation;
        using (var server = new TestServer(Serve, Options))
        using (server.Connect())
        {
            preparation = AwaitOpened().Preparation;
            server.Server.Stop();
            server.Join();
        }

        preparation.SetResult();
        Assert.Empty(_served);
    }

    private int Serve(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        _served.Enqueue(client.Id);
        return Messages.Echo(client, request, response);
    }

    private (ClientInfo Client, TaskCompletionSource Preparation) AwaitOpened() =>
        _opened.TryTake(out var opened, RawClient.Patience) ? opened : throw new TimeoutException("no client has come");
}
