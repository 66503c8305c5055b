using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen.Hostile;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>The attacks of the hostile guest on the model, with a handler that answers later and a neighbour that is served all the while.</summary>
public sealed class HostileTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly XenModel _model = new();
    private readonly ModelHost _host;
    private readonly Tpmback _back;
    private readonly List<string> _log = [];
    private readonly List<TpmbackClient> _deferred = [];
    private readonly List<string> _faults = [];

    public HostileTests()
    {
        _host = _model.Domain(0);
        _back = new Tpmback(_host, Answer, new TpmbackOptions { Log = _log.Add, TurnEnded = Complete, Time = new FastTime() });
        _model.Announce(backend: 0, frontend: 5, device: 0, Uuid);
        _model.Announce(backend: 0, frontend: 6, device: 0, Uuid);
    }

    public static TheoryData<string> Attacks => [.. Attack.All.Select(attack => attack.Name)];

    public void Dispose() => _back.Dispose();

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Attack_HarmsNobodyElse(string name)
    {
        Attack attack = Attack.All.First(attack => attack.Name == name);
        using var ended = new CancellationTokenSource();
        Task serving = Beside.Run(_back.Run);
        Task<int> neighbour = Beside.Run(() => AskUntil(ended.Token));
        using (ModelHost own = _model.Domain(5))
        {
            attack.Make(new HostileFrontend(own, 0, Patience), TimeSpan.FromMilliseconds(50));
        }

        await ended.CancelAsync();
        Assert.InRange(await neighbour, 1, int.MaxValue);
        _back.Stop();
        await serving;
        Assert.InRange(_log.Count, 1, 200);
        Assert.Empty(_faults);
    }

    // Asks until it is to end, and once more, so that it has asked after the attack.
    private int AskUntil(CancellationToken ended)
    {
        using ModelHost own = _model.Domain(6);
        using Tpmfront front = Tpmfront.Open(own, options: Beside.Patient);
        byte[] response = new byte[TpmMessage.MaxLength];
        int asked = 0;
        bool last;
        do
        {
            last = ended.IsCancellationRequested;
            int length = front.Transmit(HostileFrontend.Command, response);
            Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(response.AsSpan(0, length)));
            asked++;
        }
        while (!last);

        return asked;
    }

    private int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        // What comes here is one whole message, whatever is on the page by now, and no second one of the same client.
        if (!TpmMessage.IsWhole(request)) _faults.Add($"{client}: bytes that are no message");
        if (_deferred.Contains(client)) _faults.Add($"{client}: two requests at a time");
        _deferred.Add(client);
        return TpmServer.Deferred;
    }

    private void Complete()
    {
        Span<byte> response = stackalloc byte[TpmMessage.HeaderLength];
        foreach (TpmbackClient client in _deferred)
            _back.Complete(client, response[..TpmMessage.WriteFailure(TpmResult.Success, response)]);
        _deferred.Clear();
    }

    /// <summary>The machine's clock, a hundred times as fast: allowances are there again before a test becomes slow.</summary>
    private sealed class FastTime : TimeProvider
    {
        public override long TimestampFrequency => System.TimestampFrequency / 100;

        public override long GetTimestamp() => System.GetTimestamp();
    }
}
