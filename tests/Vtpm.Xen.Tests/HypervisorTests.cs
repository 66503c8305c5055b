using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>What the hypervisor tells of other domains, and what the two ends of a device know by it.</summary>
public sealed class HypervisorTests : IDisposable
{
    private const uint Paused = 1 << 3;
    private const string Label = "system_u:system_r:domU_t";
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");
    private static readonly Guid DomainUuid = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");

    private readonly FakeHypervisor _fake = new();
    private readonly XenModel _model = new();

    public void Dispose() => _fake.Dispose();

    [Theory]
    [InlineData(Paused, 0ul, false)]
    [InlineData(Paused, 1ul, true)]
    [InlineData(0u, 0ul, true)]
    [InlineData(1u << 4, 77ul, true)]
    public void Domain_HasRun_UnlessItIsPausedAndHasUsedNoTime(uint flags, ulong time, bool hasRun)
    {
        _fake.Domains[5] = (flags, time, 9, DomainUuid);
        _fake.Labels[9] = Label;
        using Hypervisor hypervisor = Open();

        Assert.Equal(new DomainInfo(DomainUuid, hasRun, Label), hypervisor.Describe(5));
    }

    [Fact]
    public void Domain_HasHadTimeOfTheProcessors()
    {
        _fake.Domains[5] = (0, 12_345_678_900, 9, DomainUuid);
        using Hypervisor hypervisor = Open();

        Assert.Equal(TimeSpan.FromTicks(123_456_789), hypervisor.Describe(5)!.ProcessorTime);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(1u, false)]
    [InlineData(2u, true)]
    [InlineData(3u, true)]
    public void Domain_IsRestored_WhenItIsNotOfTheFirstIncarnation(uint? incarnation, bool isRestored)
    {
        _fake.Domains[5] = (Paused, 0, 0, DomainUuid);
        if (incarnation is { } number) _fake.Incarnations[5] = number;
        using Hypervisor hypervisor = Open();

        Assert.Equal(new DomainInfo(DomainUuid, HasRun: false, null) { IsRestored = isRestored }, hypervisor.Describe(5));
    }

    [Theory]
    [InlineData(0x0Bu)]
    [InlineData(0x15u)]
    [InlineData(0x18u)]
    public void VersionOfTheInterface_IsFoundOnceAndKept(uint version)
    {
        _fake.DomainControlVersion = version;
        _fake.Xsm = false;
        _fake.Domains[5] = (Paused, 0, 0, DomainUuid);
        using Hypervisor hypervisor = Open();
        Assert.NotNull(hypervisor.Describe(5));
        int before = _fake.Calls;

        Assert.NotNull(hypervisor.Describe(5));
        Assert.Equal(before + 3, _fake.Calls);   // of the domain, its time stamp counter, its label
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(0x0Au)]
    [InlineData(0x19u)]
    public void HypervisorThatDoesNotTell_OrSpeaksAnotherVersion_IsUnknown(uint version)
    {
        _fake.DomainControlVersion = version;
        _fake.Domains[5] = (Paused, 0, 0, DomainUuid);
        using Hypervisor hypervisor = Open();

        Assert.Null(hypervisor.Describe(5));
    }

    [Fact]
    public void DomainThatIsNotThere_IsUnknown()
    {
        _fake.Domains[6] = (Paused, 0, 0, DomainUuid);
        using Hypervisor hypervisor = Open();

        Assert.Null(hypervisor.Describe(5));
        Assert.Null(hypervisor.Describe(65536 + 6));
        Assert.NotNull(hypervisor.Describe(6));
    }

    [Fact]
    public void LabelOfAPeer_IsThatOfTheDomainAtThePort()
    {
        _fake.Ports[17] = 9;
        _fake.Labels[9] = Label;
        using Hypervisor hypervisor = Open();

        Assert.Equal(Label, hypervisor.LabelOfPeer(17));
        Assert.Null(hypervisor.LabelOfPeer(18));
    }

    [Fact]
    public void LabelThatIsTooLong_OrEmpty_IsNone()
    {
        _fake.Ports[17] = 9;
        using Hypervisor hypervisor = Open();
        _fake.Labels[9] = new string('x', 1023);
        Assert.Equal(1023, hypervisor.LabelOfPeer(17)?.Length);
        _fake.Labels[9] = new string('x', 1024);
        Assert.Null(hypervisor.LabelOfPeer(17));
        _fake.Labels[9] = "";
        Assert.Null(hypervisor.LabelOfPeer(17));
    }

    [Fact]
    public void WithoutXsm_OrWithoutTheDevice_ThereIsNoLabel()
    {
        _fake.Xsm = false;
        _fake.Ports[17] = 9;
        using Hypervisor hypervisor = Open();
        using var none = new Hypervisor(() => throw new XenException("no such device"));

        Assert.Null(hypervisor.LabelOfPeer(17));
        Assert.Null(none.LabelOfPeer(17));
        Assert.Null(none.Describe(5));
    }

    [Theory]
    [InlineData(true, false, DomainHistory.Running)]
    [InlineData(false, false, DomainHistory.Fresh)]
    [InlineData(false, true, DomainHistory.Restored)]
    [InlineData(true, true, DomainHistory.Running)]
    public void Client_InDom0_IsDescribedWhenItsDeviceComes(bool hasRun, bool isRestored, DomainHistory history)
    {
        _model.Domains[5] = new DomainInfo(DomainUuid, hasRun, Label) { IsRestored = isRestored };
        _model.Guest(5, Uuid);
        TpmbackClient client = Announced(_model.Domain(0));

        Assert.Equal((history, DomainUuid, Label), (client.History, client.DomainUuid, client.Label));
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void DomainThatRanBefore_IsLogged(bool hasRun, int lines)
    {
        _model.Domains[5] = new DomainInfo(DomainUuid, hasRun, Label);
        _model.Guest(5, Uuid);
        var log = new List<string>();
        using var back = new Tpmback(_model.Domain(0), (_, _, _, _) => 0, new TpmbackOptions { Log = log.Add });
        back.Turns();

        Assert.Equal(lines, log.Count(line => line.Contains("no record of its boot", StringComparison.Ordinal)));
    }

    [Fact]
    public void Client_OfWhichTheHypervisorTellsNothing_HasTheUuidOfXenstore()
    {
        _model.Guest(5, Uuid);
        _model.Write("/local/domain/5/vm", $"/vm/{DomainUuid}");
        TpmbackClient client = Announced(_model.Domain(0));

        Assert.Equal((DomainHistory.Unknown, DomainUuid, null), (client.History, client.DomainUuid, client.Label));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("/vm/none")]
    [InlineData("00112233-4455-6677-8899-aabbccddeeff")]
    public void Client_OfWhichNobodyTells_HasNoUuid(string? vm)
    {
        _model.Guest(5, Uuid);
        if (vm is not null) _model.Write("/local/domain/5/vm", vm);

        Assert.Null(Announced(_model.Domain(0)).DomainUuid);
    }

    [Fact]
    public void Client_InADriverDomain_HasItsLabelWithItsRequests()
    {
        _model.Labels[5] = Label;
        _model.Announce(backend: 3, frontend: 5, device: 0, Uuid);
        var labels = new List<string?>();
        using var back = new Tpmback(_model.Domain(3), (client, _, request, response) =>
        {
            labels.Add(client.Label);
            return TpmMessage.WriteFailure(request, TpmResult.Success, response);
        }, new TpmbackOptions { ClientOpened = client => { labels.Add(client.Label); return true; } });
        RawFrontend guest = back.Connect(new RawFrontend(_model, 5, backend: 3));
        guest.Submit(RawFrontend.Command());
        back.Turns();

        Assert.Equal([null, Label], labels);
    }

    [Fact]
    public async Task Tpmfront_KnowsTheLabelOfItsBackend()
    {
        _model.Labels[0] = "system_u:system_r:vtpm_t";
        _model.Announce(backend: 0, frontend: 9, device: 0, Uuid);
        using ModelHost host = _model.Domain(0);
        using var back = new Tpmback(host, (_, _, request, response) => TpmMessage.WriteFailure(request, TpmResult.Success, response));
        Task serving = Beside.Run(back.Run);
        using (ModelHost own = _model.Domain(9))
        using (Tpmfront front = Tpmfront.Open(own, options: Beside.Patient)) Assert.Equal("system_u:system_r:vtpm_t", front.BackendLabel);

        back.Stop();
        await serving;
    }

    private Hypervisor Open() => new(() => _fake);

    private static TpmbackClient Announced(ModelHost host)
    {
        TpmbackClient? found = null;
        using var back = new Tpmback(host, (_, _, _, _) => 0, new TpmbackOptions { ClientOpened = client => { found = client; return true; } });
        back.Turns();
        Assert.NotNull(found);
        return found;
    }
}
