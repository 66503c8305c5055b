using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;

namespace Vtpm.Backend;

/// <summary>
/// <c>vtpm tpmback</c>: the service of a backend domain (dom0 or a driver domain). It alone has Xen's devices and xenstore; for each guest's vTPM it
/// starts a process that has neither, and carries requests between them. One thread, on which nothing waits for a vTPM. docs/adr/0014-tpmback.md
/// </summary>
public sealed class BackendService : IDisposable
{
    /// <summary>A request that is with a process sets no alarm of its own: what it is late by is seen at the latest so much later.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private readonly BackendContext _context;
    private readonly BackendOptions _options;
    private readonly IXenHost _host;
    private readonly Tpmback _back;
    private readonly Dictionary<Guid, GuestVtpm> _guests = [];
    private readonly Queue<Action> _asked = [];
    private readonly Lock _askedGate = new();
    private readonly ImageFolder _images;
    private readonly RecordFolder _records;
    private readonly Alarms _alarms;
    private readonly BoundedLog _faults;
    private long _due;
    private volatile bool _stopping;
    private bool _closed;

    /// <param name="host">Xen; stays the caller's.</param>
    /// <param name="launcher">Starts the vTPMs' processes.</param>
    /// <param name="options">How it works.</param>
    public BackendService(IXenHost host, IVtpmLauncher launcher, BackendOptions options)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(options);
        _host = host;
        _options = options;
        _images = new ImageFolder(options.Images);
        _records = new RecordFolder(options.RunFolder);
        _alarms = new Alarms(options.Time);
        _faults = new BoundedLog("faults", options.Log, options.Time);
        _back = new Tpmback(host, Execute, new TpmbackOptions { AnnounceLater = true, ClientOpened = Opened, ClientClosed = Closed, Log = options.Log });
        var blocking = new BlockingWork(Post);
        _context = new BackendContext
        {
            Options = options,
            Loop = _back,
            Store = host.Store,
            Launcher = launcher,
            Images = _images,
            Records = _records,
            Alarms = _alarms,
            Blocking = blocking,
            Introducer = new ManagerIntroducer(options.Manager, _back, blocking),
        };
    }

    /// <summary>Makes the folders, where there are none.</summary>
    /// <exception cref="StorageException">One cannot be made, or is open to others.</exception>
    public void Prepare()
    {
        _images.Prepare();
        _records.Prepare();
    }

    /// <summary>Serves until <see cref="Stop"/>; then the vTPMs' processes end, each after the request that it is in.</summary>
    /// <exception cref="XenException">Xenstore is not to be reached any more.</exception>
    public void Run()
    {
        while (!_stopping) Turn(Timeout.InfiniteTimeSpan);
        Close();
    }

    /// <summary>One turn: waits for something to happen or to be due, and follows it.</summary>
    public void Turn(TimeSpan longest)
    {
        _back.Turn(Patience(longest));
        TakeAsked();
        while (_alarms.TryTake(out Action? action)) Do(action!);
        if (_context.IsAwake || _context.Now >= _due) Tick();
    }

    /// <summary>Ends <see cref="Run"/>; from any thread.</summary>
    public void Stop()
    {
        _stopping = true;
        _back.Stop();
    }

    /// <summary>Has the service's thread do something, such as telling how the guests are; from any thread.</summary>
    public void Ask(Action action)
    {
        lock (_askedGate) _asked.Enqueue(action);
        _host.Interrupt();
    }

    internal BackendOptions Options => _options;

    /// <summary>Has the service's thread do something later.</summary>
    internal void Later(TimeSpan delay, Action action) => _alarms.Set(delay, action);

    /// <summary>Has the service's thread wait for a descriptor too.</summary>
    internal void Attend(SafeHandle handle, Action ready) => _back.Attend(handle, ready);

    /// <summary>Ends <see cref="Attend"/>.</summary>
    internal void Disregard(SafeHandle handle) => _back.Disregard(handle);

    /// <summary>The guests' vTPMs; on the service's thread.</summary>
    public IReadOnlyList<GuestStatus> Guests => [.. _guests.Values.Where(guest => !guest.IsGone).Select(guest => guest.Status).OrderBy(status => status.Domain)];

    /// <summary>Leaves what is to be extended at the next start of a vTPM for a new guest; on the service's thread.</summary>
    /// <returns>Empty, or why it is not taken.</returns>
    public string Leave(Guid uuid, ImmutableArray<BootMeasurement> measurements)
    {
        if (!_context.Measurements.TryLeave(uuid, measurements)) return "measurements of too many vTPMs are left already; they are used up by their next starts";
        _options.Log($"vTPM {uuid}: {measurements.Length} measurements are left for its next start");
        if (_guests.TryGetValue(uuid, out GuestVtpm? guest)) guest.Measured();
        return "";
    }

    /// <summary>Ends the processes. The guests' devices stay as they are, for the service that comes next.</summary>
    public void Dispose() => Close();

    private void Close()
    {
        if (_closed) return;
        _closed = true;
        _context.IsStopping = true;
        // No guest is answered any more but with what its vTPM is at.
        foreach (GuestVtpm guest in _guests.Values) guest.Stop();
        try
        {
            // Tpmback has stopped serving; what it waits for is still followed.
            // A disk that does not answer is waited for no longer than a process.
            long end = _context.After(_context.Now, _options.EndPatience);
            while (_guests.Values.Any(guest => guest.HasProcess || (guest.IsAtItsDisk && _context.Now < end))) Turn(LongestWait);
        }
        catch (XenException exception)
        {
            _options.Log($"while it ends: {exception.Message}");
        }

        _back.Dispose();
        foreach (GuestVtpm guest in _guests.Values) guest.Abandon();
    }

    private bool Opened(TpmbackClient client)
    {
        if (_context.IsStopping) return false;
        if (client.Uuid == Guid.Empty)
        {
            _options.Log($"frontend {client} is to have a vTPM of no uuid; write uuid= into the guest's vtpm= (uuidgen makes one), else it would have another TPM each time");
            return false;
        }

        if (!_guests.TryGetValue(client.Uuid, out GuestVtpm? guest)) guest = new GuestVtpm(_context, client.Uuid);
        if (!guest.TryAdd(client)) return false;
        _guests[client.Uuid] = guest;
        client.State = guest;
        return true;
    }

    private void Closed(TpmbackClient client)
    {
        if (_context.IsStopping || client.State is not GuestVtpm guest) return;
        guest.Remove(client);
        // Another domain may have asked for it, which is its own now.
        if (!guest.HasDevices) _back.Reconsider(guest.Uuid);
    }

    private int Execute(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        ((GuestVtpm)client.State!).Submit(client, locality);
        return TpmServer.Deferred;
    }

    private TimeSpan Patience(TimeSpan longest)
    {
        if (_context.IsAwake) return TimeSpan.Zero;
        long now = _context.Now, next = Math.Min(_due, _alarms.Due);
        TimeSpan due = next == long.MaxValue ? Timeout.InfiniteTimeSpan : _options.Time.GetElapsedTime(now, Math.Max(next, now));
        if (due == Timeout.InfiniteTimeSpan) return longest;
        return longest == Timeout.InfiniteTimeSpan || due < longest ? due : longest;
    }

    private void Tick()
    {
        _context.IsAwake = false;
        long due = long.MaxValue;
        foreach (GuestVtpm guest in _guests.Values.ToArray())
        {
            due = Math.Min(due, guest.Tick());
            if (guest.IsGone) _guests.Remove(guest.Uuid);
        }

        _due = _guests.Count > 0 ? Math.Min(due, _context.After(_context.Now, LongestWait)) : due;
    }

    private void TakeAsked()
    {
        while (true)
        {
            Action? action;
            lock (_askedGate)
            {
                if (!_asked.TryDequeue(out action)) return;
            }

            Do(action);
        }
    }

    /// <summary>What was asked for, or is due: where it fails, the service goes on.</summary>
    private void Do(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            _faults.Write($"a fault of this service: {exception}");
        }
    }

    /// <summary>What another thread has done is heard of; nobody hears of it when the service has ended.</summary>
    private void Post(Action action)
    {
        try
        {
            Ask(action);
        }
        catch (ObjectDisposedException)
        {
            // There is no Xen any more to wait for.
        }
    }
}
