using Xunit;

namespace Vtpm.Transports.Tests;

public class InMemoryTpmTests
{
    [Fact]
    public void Transmit_Handler_SeesItsClientAndAnswers()
    {
        var credentials = new PeerCredentials(1, 2, 3);
        ClientInfo? seen = null, left = null;
        var tpm = new InMemoryTpm(
            (client, request, response) =>
            {
                seen = client;
                return Messages.Echo(client, request, response);
            },
            new TpmServerOptions { ClientClosed = client => left = client });

        using (var connection = tpm.Connect(credentials))
            Assert.Equal(Messages.EchoOf(Messages.Request(77)), connection.Transmit(Messages.Request(77)));

        Assert.Equal(credentials, seen?.Credentials);
        Assert.Same(seen, left);
    }

    [Fact]
    public void Transmit_HandlerThrows_IsAnsweredFail()
    {
        var tpm = new InMemoryTpm((_, _, _) => throw new InvalidOperationException("a defect"));
        using var connection = tpm.Connect();

        Assert.Equal(Convert.FromHexString("00C40000000A00000009"), connection.Transmit(Messages.Request(10)));
    }

    [Fact]
    public void Transmit_RequestAboveTheLimit_ClosesTheConnection()
    {
        var tpm = new InMemoryTpm(Messages.Echo, new TpmServerOptions { MaxRequestLength = 50 });
        using var connection = tpm.Connect();

        Assert.Equal(TpmTransportFault.Closed, Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(51))).Fault);
        Assert.Equal(TpmTransportFault.Broken, Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10))).Fault);
    }

    [Fact]
    public void Transmit_SeveralThreads_OneCommandAtATime()
    {
        int inside = 0, most = 0, served = 0;
        var tpm = new InMemoryTpm((client, request, response) =>
        {
            most = Math.Max(most, ++inside);
            int length = Messages.Echo(client, request, response);
            inside--;
            served++;
            return length;
        });

        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            using var connection = tpm.Connect();
            for (int i = 0; i < 1000; i++) connection.Transmit(Messages.Request(10));
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        Assert.Equal((1, 4000), (most, served));
    }

    [Fact]
    public void Connect_TurnedAway_Throws()
    {
        var tpm = new InMemoryTpm(Messages.Echo, new TpmServerOptions { ClientOpened = _ => false });

        Assert.Equal(TpmTransportFault.Closed, Assert.Throws<TpmTransportException>(() => tpm.Connect()).Fault);
    }
}
