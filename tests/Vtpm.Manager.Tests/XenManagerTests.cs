using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;
using Vtpm.Xen.Tests;
using Xunit;
using static Vtpm.Manager.Tests.Support.ServingPlace;

namespace Vtpm.Manager.Tests;

/// <summary>A manager that is a domain, for vTPMs that are domains, over a model of Xen.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class XenManagerTests : IDisposable
{
    private const uint ManagerDomain = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ServingPlace _place = new();
    private readonly XenModel _model = new();
    private readonly ModelHost _host;
    private readonly BarrierStore _image = new(new byte[ManagerImage.DefaultLength]);

    public XenManagerTests() => _host = _model.Domain(ManagerDomain);

    public void Dispose()
    {
        _host.Dispose();
        _place.Dispose();
    }

    [Fact]
    public void Domains_AreTheVtpmsThatTheToolstackSays()
    {
        using RunningManager manager = Start();
        using VtpmManagerClient first = Front(5, First);
        using VtpmManagerClient second = Front(6, Second);
        first.SaveHashKey(Key(1));
        second.SaveHashKey(Key(2));

        byte[] key = new byte[VtpmHashKey.MaxSize];
        Assert.Equal(52, first.LoadHashKey(key));
        Assert.Equal(Key(1), key[..52]);
        Assert.Equal(TpmDigest.Of("*:vtpm:xen"u8), first.GetBootHash());
        Assert.Equal(TpmDigest.AllOnes, second.Hardware.PcrRead(17));
        Assert.Equal([First, Second], manager.Manager.Service.Image.Groups[0].Vtpms.Select(vtpm => vtpm.Uuid));
    }

    [Fact]
    public void Label_OfADomain_DecidesWhetherTheGroupAdmitsIt()
    {
        const string label = "system_u:system_r:vtpm_t";
        _model.Labels[5] = label;
        _model.Labels[6] = "system_u:system_r:domU_t";
        using RunningManager manager = Start(labels: [label]);
        using VtpmManagerClient first = Front(5, First);
        using VtpmManagerClient second = Front(6, Second);
        using VtpmManagerClient third = Front(7, Guid.NewGuid());
        first.SaveHashKey(Key(1));
        Assert.Equal(ManagerLink.Hash(label), first.GetBootHash());
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => second.SaveHashKey(Key(1))).Result);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => third.SaveHashKey(Key(1))).Result);
    }

    [Theory]
    [InlineData("x:vtpm:xen")]
    [InlineData("x:y:z\nINFO[VTPM]: all is well")]
    public void Label_ThatNoPolicyGives_CountsAsNone(string label)
    {
        _model.Labels[5] = label;
        using RunningManager manager = Start();
        using (VtpmManagerClient first = Front(5, First))
        {
            first.SaveHashKey(Key(1));
            Assert.Equal(ManagerLink.Hash(VtpmLabel.OnXen(First)), manager.Manager.Service.LastLink(First)!.LabelHash);
        }

        Assert.DoesNotContain(_place.Log, line => line.Contains("all is well", StringComparison.Ordinal));
    }

    [Fact]
    public void Vtpm_OfWhichThereAreTwoDomains_IsTheFirsts_AndTheSecondsWhenTheFirstHasGone()
    {
        using RunningManager manager = Start();
        using VtpmManagerClient first = Front(5, First);
        first.SaveHashKey(Key(1));
        using VtpmManagerClient twin = Front(6, First);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => twin.LoadHashKey(new byte[64])).Result);

        Destroy(5);
        using VtpmManagerClient next = Front(7, First);
        byte[] key = new byte[VtpmHashKey.MaxSize];
        Assert.Equal(52, next.LoadHashKey(key));
        Assert.Equal(Key(1), key[..52]);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => twin.LoadHashKey(new byte[64])).Result);
    }

    [Fact]
    public void Vtpm_WhoseProgramStartsAgainInItsDomain_IsStillThatVtpm()
    {
        using RunningManager manager = Start();
        using (VtpmManagerClient first = Front(5, First)) first.SaveHashKey(Key(1));
        using VtpmManagerClient again = Reopen(5);
        Assert.Equal(52, again.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void Saves_OfOneTurn_ShareOneBarrier()
    {
        RawFrontend[] vtpms = [.. Enumerable.Range(5, 20).Select(domain => Waiting((uint)domain))];
        int before = 0;
        using RunningManager manager = Start(beforeItRuns: () => before = _image.Barriers);
        foreach (RawFrontend vtpm in vtpms) Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(Answer(vtpm)));

        Assert.Equal(1, _image.Barriers - before);
        Assert.Equal(20, manager.Manager.VtpmCount);
    }

    [Fact]
    public void Administrators_AreTheVtpmsThatWereNamed_AndTheFirstWhereThatIsAskedFor()
    {
        using RunningManager manager = Start(with: options => options with { AdminVtpms = [Second], FirstIsAdmin = true });
        using VtpmManagerClient first = Front(5, First);
        using VtpmManagerClient second = Front(6, Second);
        using VtpmManagerClient third = Front(7, Guid.NewGuid());
        foreach (VtpmManagerClient vtpm in (VtpmManagerClient[])[first, second, third]) vtpm.SaveHashKey(Key(1));
        first.Manage(VtpmManagerOrdinal.GroupList, []);
        second.Manage(VtpmManagerOrdinal.GroupList, []);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => third.Manage(VtpmManagerOrdinal.GroupList, [])).Result);
    }

    [Fact]
    public void Sockets_BesideXen_AreServedToo()
    {
        TpmAddress admin = _place.Admin;
        using RunningManager manager = Start(with: options => options with { Admin = admin });
        using VtpmManagerClient administrator = new(TpmConnection.Open(admin));
        using VtpmManagerClient first = Front(5, First);
        for (byte i = 1; i <= 50; i++)
        {
            first.SaveHashKey(Key(i));
            Assert.Equal([First], administrator.Manage<VtpmListRequest, VtpmListResponse>(VtpmManagerOrdinal.VtpmList, default).Uuids);
        }
    }

    [Fact]
    public void Manager_ThatStartsAgain_TakesTheDevicesOver()
    {
        _model.Announce(ManagerDomain, frontend: 5, device: 0, First);
        using ModelHost next = _model.Domain(ManagerDomain);
        var link = new Instance.ManagerLink(() => Tpmfront.Open(_model.Domain(5), ownsHost: true));
        using (RunningManager manager = Start()) link.SaveHashKey(Key(1));

        _host.Dispose();
        using (RunningManager manager = Start(with: options => options with { Xen = next }))
        using (link)
            Assert.Equal(Key(1), link.LoadHashKey());
    }

    [Fact]
    public async Task Manager_WhoseHardwareIsSlow_HasTheDevicesAlready_AndTheirRequestsWait()
    {
        RawFrontend vtpm = Waiting(5);
        using var go = new ManualResetEventSlim();
        Task<RunningManager> starting = Task.Run(() => Start(with: options => options with { Connect = _ => Connect(go) }));
        Until(vtpm, () => vtpm.BackendState == "4");
        Assert.Equal(1, vtpm.State);

        go.Set();
        using RunningManager manager = await starting;

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(Answer(vtpm)));
    }

    [Fact]
    public async Task Manager_ThatDoesNotStart_SaysSoToWhoWaits()
    {
        RawFrontend vtpm = Waiting(5);
        using var go = new ManualResetEventSlim();
        Task<RunningManager> starting = Task.Run(() => Start(with: options => options with
        {
            Connect = _ =>
            {
                go.Wait();
                throw new TpmTransportException(TpmTransportFault.Unavailable, "no hardware");
            },
        }));
        Until(vtpm, () => vtpm.BackendState == "4");
        go.Set();

        await Assert.ThrowsAsync<TpmTransportException>(() => starting);
        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(Answer(vtpm)));
        Assert.Equal("4", vtpm.BackendState);
    }

    [Fact]
    public void Answers_FitTheRing()
    {
        using RunningManager manager = Start(with: options => options with { AdminVtpms = [First] });
        using VtpmManagerClient first = Front(5, First);
        first.SaveHashKey(Key(1));
        for (int i = 0; i < 300; i++) first.Manage<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew, new VtpmNewRequest { Uuid = Guid.NewGuid() });
        VtpmListResponse list = first.Manage<VtpmListRequest, VtpmListResponse>(VtpmManagerOrdinal.VtpmList, default);
        Assert.Equal(301u, list.Total);
        Assert.Equal((4088 - 10 - 4) / 16, list.Uuids.Length);
    }

    /// <summary>
    /// The original's three domains: a guest's frontend in one, its vTPM in the next, which is backend and frontend at once, and the manager.
    /// </summary>
    [Fact]
    public void ThreeDomains_HaveTheHardwaresPcrs_AndDeepQuotes()
    {
        using (var tpm = new TpmClient(_place.Hardware.Connect())) tpm.Extend(0, TpmDigest.Of("the firmware"u8));
        using RunningManager manager = Start();
        _model.Announce(ManagerDomain, frontend: 5, device: 0, First);
        using var vtpm = new Guest(null, First, () => Tpmfront.Open(_model.Domain(5), ownsHost: true), "hwinitpcr=0,17");
        vtpm.TakeOwnership();
        using var backend = new ServedGuest(_model.Domain(5), vtpm);
        _model.Announce(backend: 5, frontend: 7, device: 0, Second);
        using var guest = new TpmClient(Tpmfront.Open(_model.Domain(7), ownsHost: true));

        using (var tpm = new TpmClient(_place.Hardware.Connect())) Assert.Equal(tpm.PcrRead(0), guest.PcrRead(0));
        Assert.Equal(TpmDigest.AllOnes, guest.PcrRead(17));
        guest.Extend(10, TpmDigest.Of("the guest's kernel"u8));
        var nonce = new TpmNonce(RandomNumberGenerator.GetBytes(TpmNonce.Size));
        using TpmSecret secret = TpmSecret.WellKnown();
        using TpmSession owner = guest.Oiap(secret);
        VtpmGetQuoteResponse quote = guest.DeepQuote(owner, nonce, TpmPcrSelection.Of(10), TpmPcrSelection.Of(0, 17), VtpmQuoteFlags.HashUuid | VtpmQuoteFlags.VtpmMeasurements);

        byte[] info = QuoteWitness.InfoOf(nonce, [0, 4, 0], locality: 1, guest.PcrRead(10).ReadOnlySpan.ToArray());
        Assert.True(new QuoteWitness(manager.Manager).Accepts(quote, 3, SHA1.HashData(info)));
        byte[] uuid = new byte[16];
        First.TryWriteBytes(uuid, bigEndian: true, out _);
        Assert.Equal([.. SHA1.HashData(uuid), .. SHA1.HashData(SHA1.HashData("*:vtpm:xen"u8))], quote.HashesAndPcrValues[..40].ToArray());
    }

    private VtpmManagerClient Front(uint domain, Guid uuid)
    {
        _model.Announce(ManagerDomain, domain, device: 0, uuid);
        return Reopen(domain);
    }

    private VtpmManagerClient Reopen(uint domain) => new(Tpmfront.Open(_model.Domain(domain), ownsHost: true));

    /// <summary>xl destroy.</summary>
    private void Destroy(uint domain)
    {
        foreach (ModelHost host in _model.Hosts.Where(host => host.Id == domain).ToArray()) host.Dispose();
        _model.Remove(string.Create(CultureInfo.InvariantCulture, $"/local/domain/{domain}"));
        _model.Remove(string.Create(CultureInfo.InvariantCulture, $"/local/domain/{ManagerDomain}/backend/vtpm/{domain}"));
    }

    /// <summary>A vTPM domain whose first save waits on its page before the manager comes.</summary>
    private RawFrontend Waiting(uint domain)
    {
        _model.Announce(ManagerDomain, domain, device: 0, new Guid((int)domain, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
        var front = new RawFrontend(_model, domain, backend: ManagerDomain);
        var header = new TpmHeader { Tag = TpmTag.VtpmReq, ParamSize = TpmHeader.Size + 52, Code = (uint)VtpmManagerOrdinal.SaveHashKey };
        front.Put([.. WireFormat.ToBytes(header), .. Key((byte)domain)]);
        front.State = 1;
        front.Publish();
        return front;
    }

    private static byte[] Answer(RawFrontend front)
    {
        Until(front, () => front.State == 2);
        return front.Answer;
    }

    private static void Until(RawFrontend front, Func<bool> condition)
    {
        List<uint> fired = [];
        for (long end = Environment.TickCount64 + (long)Patience.TotalMilliseconds; !condition() && Environment.TickCount64 < end;)
        {
            front.Host.Wait(TimeSpan.FromSeconds(1), fired);
            fired.ForEach(front.Host.Rearm);
            fired.Clear();
        }

        Assert.True(condition());
    }

    private ITpmConnection Connect(ManualResetEventSlim go)
    {
        go.Wait();
        return _place.Hardware.Connect();
    }

    private RunningManager Start(Func<ManagerOptions, ManagerOptions>? with = null, Action? beforeItRuns = null, string[]? labels = null)
    {
        ManagerOptions options = _place.Options with
        {
            // The counter would take some saves with it.
            RollbackProtection = RollbackProtection.Off,
            ImagePath = null,
            Image = _image,
            Xen = _host,
        };
        var provisioning = new ProvisioningOptions { KeyPath = _place.KeyPath, Labels = labels };
        return _place.Start(with?.Invoke(options) ?? options, provisioning, beforeItRuns);
    }

    /// <summary>A vTPM's backend, on a thread of its own.</summary>
    private sealed class ServedGuest : IDisposable
    {
        private readonly ModelHost _host;
        private readonly Tpmback _back;
        private readonly Thread _thread;

        public ServedGuest(ModelHost host, Guest vtpm)
        {
            _host = host;
            _back = new Tpmback(host, (_, locality, request, response) => vtpm.Execute(request, locality, response));
            _thread = new Thread(_back.Run);
            _thread.Start();
        }

        public void Dispose()
        {
            _back.Stop();
            _thread.Join();
            _back.Dispose();
            _host.Dispose();
        }
    }

    private sealed class BarrierStore(byte[] bytes) : IBlockStore
    {
        public int Barriers { get; private set; }

        public long Length => bytes.Length;

        public void Read(long offset, Span<byte> destination) => bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);

        public void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(bytes.AsSpan((int)offset));

        public void Flush() => Barriers++;

        public void Dispose()
        {
            // Its bytes stay.
        }
    }
}
