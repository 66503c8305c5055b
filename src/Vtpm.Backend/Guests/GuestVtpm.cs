using System.Collections.Immutable;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;

namespace Vtpm.Backend;

/// <summary>
/// One vTPM with the domain that has it: its devices, its process, and what waits for it. A domain that comes after another, or the same number with
/// another life, is a platform that was reset: a process that is new, with a record that is new.
/// </summary>
/// <remarks><code>
///  Unmeasured ──► Starting ──► Measuring ──► Serving        Measuring: the first start of a new guest alone
///                   ▲  │           │            │
///                   │  └────► Waiting ◄─────────┘           the process has ended by itself, or could not be started
///                   └────────────┘
///  any of them, when the last device has gone ──► Ending ──► gone, or Starting for the domain that has come meanwhile
/// </code></remarks>
internal sealed partial class GuestVtpm
{
    /// <summary>A vTPM that starts, or takes a state over, says a dozen.</summary>
    private const int LinesAtOnce = 256;

    /// <summary>An image that does not open for so long is said to.</summary>
    private static readonly TimeSpan DiskPatience = TimeSpan.FromSeconds(10);

    private readonly BackendContext _context;
    private readonly BlockingWork.Lane _disk;
    private readonly HashSet<TpmbackClient> _devices = [];
    private readonly List<TpmbackClient> _unannounced = [];
    private readonly BoundedLog _said;
    private readonly byte[] _message = new byte[VtpmLinkMessage.BufferSize];
    private RestartDelay _delay = new();
    private string _identity = "";
    private string? _label;
    private ImmutableArray<BootMeasurement> _measurements = [];
    private long _stateSince;
    private long _unservedSince;
    private long _unannouncedSince;
    private DateTimeOffset _stateTime;
    private TimeSpan _retryDelay;
    private bool _wasAnnounced;
    private bool _begins;
    private bool _couldGoOn;
    private BootOrigin _originOfNew;
    private BootOrigin? _boot;
    private int _measured;
    private int _restarts;
    private string _fault = "";

    public GuestVtpm(BackendContext context, Guid uuid)
    {
        _context = context;
        _disk = context.Blocking.NewLane();
        Uuid = uuid;
        _faults = new BoundedLog($"vTPM {uuid}", context.Options.Log, context.Elapsed);
        // One for all of its processes: dying gains no lines.
        _said = new BoundedLog(
            "WARN[VTPM]: it says too much", line => context.Options.ProcessLog(uuid, line), context.Elapsed, LinesAtOnce, context.Options.ProcessLogInterval);
    }

    public Guid Uuid { get; }

    public uint Domain { get; private set; }

    public GuestState State { get; private set; }

    public bool HasDevices => _devices.Count > 0;

    /// <summary>No device, no process, and no file that is open: nothing is to be kept of it.</summary>
    public bool IsGone => _devices.Count == 0 && _process is null && !IsAtItsDisk;

    /// <summary>Something is done with its image's file, or waits to be.</summary>
    public bool IsAtItsDisk => _disk.IsBusy;

    public bool HasProcess => _process is not null;

    public GuestStatus Status => new()
    {
        Uuid = Uuid,
        Domain = Domain,
        State = State,
        Since = _stateTime,
        Process = _process?.Id ?? 0,
        Restarts = _restarts,
        Boot = _boot,
        Fault = _fault,
    };

    /// <summary>A device of the domain that has this vTPM, or of one that is to have it.</summary>
    /// <returns>False when another domain has it.</returns>
    public bool TryAdd(TpmbackClient client)
    {
        string identity = DomainIdentity.Of(_context.Store, client);
        if (HasDevices && (Domain != client.Domain))
        {
            Log($"frontend {client} asks for it while domain {Domain} has it; one vTPM is one platform's at a time: give the second domain another uuid");
            return false;
        }

        bool isFirst = !HasDevices;
        _devices.Add(client);
        if (_unannounced.Count == 0) _unannouncedSince = _context.Now;
        _unannounced.Add(client);
        _label ??= client.Label;
        if (isFirst) Guard(() => Move(client, identity));
        _context.Wake();
        return true;
    }

    public void Remove(TpmbackClient client) => Guard(() => Forget(client));

    private void Forget(TpmbackClient client)
    {
        _devices.Remove(client);
        _unannounced.Remove(client);
        for (LinkedListNode<Waiting>? node = _waiting.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (node.Value.Client == client) _waiting.Remove(node);
        }

        if (HasDevices) return;
        Log($"domain {Domain} has given it back");
        End();
        // One without a process is forgotten at once, and not started for nobody.
        _context.Wake();
    }

    /// <summary>Somebody has left the measurements that it waits for, or others.</summary>
    public void Measured() => Guard(() =>
    {
        if (State == GuestState.Unmeasured && HasDevices) Start();
    });

    /// <summary>Looks at what is due.</summary>
    /// <returns>When to look again at the latest, as a timestamp.</returns>
    public long Tick()
    {
        try
        {
            Look();
            return Due();
        }
        catch (Exception exception)
        {
            // As Guard. It is looked at again, and not at once.
            TakeFault(exception);
            return _context.After(_context.Now, LookInterval);
        }
    }

    private void Look()
    {
        if (State == GuestState.Serving || (MayBeLate && _context.Now >= AnnouncesAt)) AnnounceDevices();
        if (State != GuestState.Serving) GiveUpWaiting();
        if (_introduction is { IsDone: false } asked && _context.Now >= _context.After(_lastConnection, ManagerIntroducer.Patience))
            asked.Refuse($"the manager has not answered within {ManagerIntroducer.Patience.TotalSeconds:0} seconds");
        if (_context.Now >= StateDue()) Follow();
    }

    /// <summary>The state has lasted for as long as it may.</summary>
    private void Follow()
    {
        switch (State)
        {
            case GuestState.Waiting when HasDevices:
                Start();
                break;
            case GuestState.Starting when _process is null:
                _isSlow = true;
                _fault = "its image does not open; does its disk answer?";
                Log(_fault);
                break;
            case GuestState.Starting or GuestState.Measuring:
                Kill($"it has not started within {_context.Options.StartPatience.TotalMinutes:0} minutes");
                break;
            case GuestState.Serving:
                Kill($"it has not answered a request within {_context.Options.AnswerPatience.TotalMinutes:0} minutes");
                break;
            case GuestState.Ending:
                Kill($"it has not ended within {_context.Options.EndPatience.TotalSeconds:0} seconds");
                break;
            default:
                break;
        }
    }

    /// <summary>The service ends: the process is told to, and the devices stay as they are.</summary>
    public void Stop() => Guard(End);

    /// <summary>The service has ended, and cannot wait for the process any more: by its links it hears of it.</summary>
    public void Abandon()
    {
        if (_process is { } process) Forget(process);
    }

    private long Due()
    {
        long due = StateDue();
        if (MayBeLate) due = Math.Min(due, AnnouncesAt);
        return State == GuestState.Serving || _waiting.Count == 0 ? due : Math.Min(due, _waiting.Min(GivenUpAt));
    }

    private long StateDue()
    {
        if (_killed && _process is not null) return long.MaxValue;
        return State switch
        {
            GuestState.Waiting when HasDevices => _context.After(_stateSince, _retryDelay),
            GuestState.Starting when _process is null => _isSlow ? long.MaxValue : _context.After(_stateSince, DiskPatience),
            GuestState.Starting or GuestState.Measuring => _context.After(_stateSince, _context.Options.StartPatience),
            GuestState.Serving when _active is not null => _context.After(_activeSince, _context.Options.AnswerPatience),
            GuestState.Ending => _context.After(_stateSince, _context.Options.EndPatience),
            _ => long.MaxValue,
        };
    }

    /// <summary>
    /// Devices wait for a TPM that has not failed to start, and may be announced before it has: their first requests wait for it, behind what was
    /// measured of the boot. Not as long as there has to be a measurement, and may be none. Those of a backend that has gone are announced already:
    /// whatever becomes of the start, their requests are to be answered.
    /// </summary>
    private bool MayBeLate => _unannounced.Count > 0 && !_context.IsStopping && (_wasAnnounced || (_fault.Length == 0
        && (State is GuestState.Starting or GuestState.Measuring || (State == GuestState.Ending && !_context.Options.RequireMeasurement))));

    private long AnnouncesAt => _context.After(_unannouncedSince, _context.Options.AnnouncePatience);

    /// <summary>The vTPM goes to a domain: its boot begins, or goes on.</summary>
    private void Move(TpmbackClient client, string identity)
    {
        bool wasAnnounced = _wasAnnounced = client.WasAnnounced;
        bool isOther = identity != _identity;
        Domain = client.Domain;
        _identity = identity;
        _label = client.Label;
        if (isOther) (_restarts, _fault, _delay, _boot) = (0, "", new RestartDelay(), null);
        // A guest that has not run, and a backend that nobody has heard of: what is on a record is not this guest's doing.
        _begins = !wasAnnounced && client.History is (DomainHistory.Fresh or DomainHistory.Unknown);
        _couldGoOn = client.History == DomainHistory.Unknown;
        _originOfNew = (wasAnnounced, client.History) switch
        {
            (true, _) or (_, DomainHistory.Restored) => BootOrigin.Lost,
            (_, DomainHistory.Running) => BootOrigin.Attached,
            (_, DomainHistory.Fresh) => BootOrigin.Whole,
            _ => BootOrigin.Unknown,
        };
        Log($"domain {Domain} has it");
        // A process that is there is another boot's, and ends first.
        if (_process is null) Start();
        else End();
    }

    private void AnnounceDevices()
    {
        if (_unannounced.Count == 0) return;
        if (State != GuestState.Serving && !_wasAnnounced) Log($"it is slow to start: domain {Domain} may run, and its first command waits for it");
        TpmbackClient[] devices = [.. _unannounced];
        _unannounced.Clear();
        foreach (TpmbackClient device in devices) _context.Loop.Announce(device);
    }

    private void Become(GuestState state)
    {
        if (State == GuestState.Serving) _unservedSince = _context.Now;
        State = state;
        _stateSince = _context.Now;
        _stateTime = _context.Options.Time.GetUtcNow();
        _context.Wake();
    }

    private void Log(string line) => _context.Options.Log($"vTPM {Uuid}: {line}");
}
