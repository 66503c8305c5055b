using System.Buffers.Binary;
using System.Collections.Concurrent;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>A backend domain: a model of Xen, a manager on a socket, folders, and the service, run by hand.</summary>
internal sealed class Backend : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vtpm-backend").FullName;
    private readonly uint _domain;
    private ModelHost _host;

    public Backend(uint domain = 0, Func<BackendOptions, BackendOptions>? with = null)
    {
        _domain = domain;
        With = with ?? (options => options);
        StartManager();
        (_host, Service) = Create();
    }

    public static Guid Uuid { get; } = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");

    public static Guid Other { get; } = Guid.Parse("7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55");

    public Func<BackendOptions, BackendOptions> With { get; set; }

    public XenModel Model { get; } = new();

    public ManualTime Time { get; } = new();

    public ThreadLauncher Launcher { get; } = new();

    public ConcurrentQueue<string> Log { get; } = [];

    /// <summary>What the vTPMs' processes have said.</summary>
    public ConcurrentQueue<(Guid Uuid, string Line)> Said { get; } = [];

    public HostManager? Manager { get; private set; }

    public BackendService Service { get; private set; }

    public string Images => Path.Combine(_folder, "images");

    public string Records => Path.Combine(_folder, "run");

    public string ManagerSocket => Path.Combine(_folder, "host.sock");

    public void Dispose()
    {
        Service.Dispose();
        _host.Dispose();
        Manager?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public void StartManager() => Manager = new HostManager(ManagerSocket) { Keys = Manager?.Keys ?? [] };

    public void StopManager() => Manager!.Dispose();

    /// <summary>The service ends, is killed, and another one comes.</summary>
    public void Restart(bool isKilled = false)
    {
        // The kernel closes what it had: its vTPMs are ended, and Xen's ports are closed.
        if (isKilled)
            foreach (ThreadLauncher.Vtpm vtpm in Launcher.Started) vtpm.Kill();
        Service.Dispose();
        _host.Dispose();
        (_host, Service) = Create();
    }

    /// <summary>The service that has come goes on with the guests.</summary>
    public void TakenOver()
    {
        Until(() => Service.Guests is [{ State: Vtpm.Backend.GuestState.Serving }]);
        // It has looked at their pages: what it found there could have been executed before.
        for (int i = 0; i < 4; i++) Service.Turn(TimeSpan.Zero);
    }

    /// <summary>A domain that the toolstack has made, and not let run yet; without a time of its start where the backend may not read that.</summary>
    public RawFrontend Guest(uint domain, Guid? uuid = null, bool hasRun = false, string? start = "1000.00")
    {
        if (start is not null)
        {
            Model.Write($"/local/domain/{domain}/vm", $"/vm/{domain}");
            Model.Write($"/vm/{domain}/start_time", start);
        }

        if (_domain == 0) Model.Domains[domain] = new DomainInfo(Guid.NewGuid(), hasRun, null);
        Model.Announce(_domain, domain, device: 0, uuid ?? Uuid);
        return new RawFrontend(Model, domain, backend: _domain);
    }

    /// <summary>A domain that was restored from a file, or migrated here, and has its TPM.</summary>
    public RawFrontend Restored(uint domain)
    {
        Model.Domains[domain] = new DomainInfo(Guid.NewGuid(), HasRun: false, null) { IsRestored = true };
        Model.Announce(_domain, domain, device: 0, Uuid);
        return Connected(new RawFrontend(Model, domain, backend: _domain));
    }

    /// <summary>A guest that runs, and has its TPM.</summary>
    public RawFrontend Running(uint domain, Guid? uuid = null, bool hasRun = false, string? start = "1000.00")
    {
        RawFrontend guest = Connected(Guest(domain, uuid, hasRun, start));
        if (_domain == 0) Model.Domains[domain] = new DomainInfo(Guid.NewGuid(), HasRun: true, null);
        return guest;
    }

    /// <summary>The backend takes a device, and the guest's driver connects.</summary>
    public RawFrontend Connected(RawFrontend guest)
    {
        Until(() => guest.BackendState == "2");
        guest.Publish();
        Until(() => guest.BackendState == "4");
        return guest;
    }

    /// <summary>The toolstack takes a device away.</summary>
    public void Detach(RawFrontend guest)
    {
        Model.Remove(guest.BackendPath);
        Model.Remove(guest.BackendPath.Replace("/backend/", "/device-of/", StringComparison.Ordinal));
    }

    /// <summary>Turns of the service, until something is so.</summary>
    public void Until(Func<bool> condition)
    {
        long deadline = Environment.TickCount64 + 20_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "it has not come to pass. The log:\n" + string.Join('\n', Log));
            Service.Turn(TimeSpan.FromMilliseconds(50));
        }
    }

    public bool HasLogged(string text) => Log.Any(line => line.Contains(text, StringComparison.Ordinal));

    public TpmResult Send(RawFrontend guest, byte[] command)
    {
        guest.Submit(command);
        Until(() => guest.State == 2);
        return TpmMessage.ReadResult(guest.Answer);
    }

    /// <summary>The guest's request is with a process, which waits for <paramref name="go"/> with this one and with what comes after it.</summary>
    public void SubmitHeld(RawFrontend guest, ManualResetEventSlim go)
    {
        using var inIt = new ManualResetEventSlim();
        Launcher.Before = _ =>
        {
            if (!go.IsSet) inIt.Set();
            go.Wait();
        };
        guest.Submit(ExtendOf(4));
        Until(() => inIt.IsSet);
    }

    public void Extend(RawFrontend guest, int pcr = 4) => Assert.Equal(TpmResult.Success, Send(guest, ExtendOf(pcr)));

    public string Pcr(RawFrontend guest, int pcr = 4)
    {
        byte[] command = RawFrontend.Command(TpmOrdinal.PcrRead, 14);
        BinaryPrimitives.WriteInt32BigEndian(command.AsSpan(10), pcr);
        Assert.Equal(TpmResult.Success, Send(guest, command));
        return Convert.ToHexString(guest.Answer.AsSpan(10));
    }

    public static byte[] ExtendOf(int pcr)
    {
        byte[] command = RawFrontend.Command(TpmOrdinal.Extend, 34);
        BinaryPrimitives.WriteInt32BigEndian(command.AsSpan(10), pcr);
        command.AsSpan(14).Fill(0xAA);
        return command;
    }

    private (ModelHost Host, BackendService Service) Create()
    {
        ModelHost host = Model.Domain(_domain);
        var service = new BackendService(host, Launcher, With(new BackendOptions
        {
            Images = Images,
            RunFolder = Records,
            Manager = TpmAddress.Unix(ManagerSocket),
            Time = Time,
            Log = Log.Enqueue,
            ProcessLog = (uuid, line) => Said.Enqueue((uuid, line)),
        }));
        service.Prepare();
        return (host, service);
    }
}
