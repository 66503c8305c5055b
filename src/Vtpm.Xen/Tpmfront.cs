using System.Globalization;
using Vtpm.Transports;

namespace Vtpm.Xen;

/// <summary><c>tpmfront</c>: this domain's own vTPM device as a link to whatever TPM the backend has, without the kernel's driver.</summary>
public sealed class Tpmfront : ITpmConnection
{
    private const string Token = "tpmfront";

    private readonly IXenHost _host;
    private readonly bool _ownsHost;
    private readonly TimeProvider _time;
    private readonly TpmConnectionOptions _options;
    private readonly string _path;
    private readonly List<uint> _fired = [];
    private readonly byte[] _answer = new byte[TpmMessage.MaxLength];
    private TpmifPage? _page;
    private uint _port;
    private string _backend = "";
    private bool _broken;

    private Tpmfront(IXenHost host, int device, TpmConnectionOptions options, TimeProvider time, bool ownsHost)
    {
        _host = host;
        _ownsHost = ownsHost;
        _options = options;
        _time = time;
        _path = string.Create(CultureInfo.InvariantCulture, $"device/vtpm/{device}");
    }

    /// <summary>At which locality commands are sent; 0 as long as nobody says otherwise.</summary>
    public byte Locality { get; set; }

    /// <summary>The XSM label of the domain that answers; null where XSM is off.</summary>
    public string? BackendLabel { get; private set; }

    /// <summary>Connects the device that the toolstack has given this domain.</summary>
    /// <param name="host">Nobody else may wait on it.</param>
    /// <param name="device">Which one, by the number in its path.</param>
    /// <param name="options">How patient it is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ownsHost">The host ends with the link, also with one that does not come about; else it stays the caller's.</param>
    /// <exception cref="TpmTransportException">There is no such device, or its backend does not come.</exception>
    public static Tpmfront Open(
        IXenHost host, int device = 0, TpmConnectionOptions? options = null, TimeProvider? time = null, bool ownsHost = false)
    {
        ArgumentNullException.ThrowIfNull(host);
        var front = new Tpmfront(host, device, options ?? TpmConnectionOptions.Default, time ?? TimeProvider.System, ownsHost);
        try
        {
            front.Connect();
            return front;
        }
        catch (XenException e)
        {
            front.Dispose();
            throw new TpmTransportException(TpmTransportFault.Unavailable, $"xen:{front._path}: {e.Message}", e);
        }
        catch
        {
            front.Dispose();
            throw;
        }
    }

    /// <summary>The same in a Linux domain, with a host of its own.</summary>
    /// <exception cref="TpmTransportException">This is no Xen domain, there is no such device, or its backend does not come.</exception>
    public static Tpmfront OpenOwn(int device = 0, TpmConnectionOptions? options = null)
    {
        try
        {
            return Open(LinuxXenHost.Open(), device, options, ownsHost: true);
        }
        catch (XenException e)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable, $"xen: {e.Message}", e);
        }
    }

    public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (!TpmMessage.IsWhole(request)) throw new ArgumentException("the request's paramSize is not its length", nameof(request));
        if (_broken || _page is not { } page) throw Fault(TpmTransportFault.Broken, "the link failed before; open it again");
        if (request.Length > TpmifPage.Capacity) throw new ArgumentException($"the page carries {TpmifPage.Capacity} bytes", nameof(request));
        _broken = true;
        try
        {
            page.Locality = Locality;
            page.TryWrite(request);
            page.State = TpmifState.Submit;
            _host.Notify(_port);
            if (!WaitUntil(() => page.State is TpmifState.Finish or TpmifState.Idle, _options.ResponseTimeout, HasBackend))
            {
                bool there = HasBackend();
                if (there) Cancel(page);
                throw there
                    ? Fault(TpmTransportFault.TimedOut, "no answer in time; cancelled")
                    : Fault(TpmTransportFault.Closed, "the backend has gone");
            }

            if (page.State == TpmifState.Idle) throw Fault(TpmTransportFault.Interrupted, "the backend has given the request up");
            if (!page.TryRead(_answer, out int length, out string? fault)) throw Fault(TpmTransportFault.Malformed, fault);
            Span<byte> answer = _answer.AsSpan(0, length);
            if (!TpmMessage.IsWhole(answer)) throw Fault(TpmTransportFault.Malformed, $"{length} bytes that are not one response");
            if (length > response.Length)
                throw Fault(TpmTransportFault.Malformed, $"a response of {length} bytes does not fit into {response.Length}");
            answer.CopyTo(response);
            answer.Clear();
            page.State = TpmifState.Idle;
            _broken = false;
            return length;
        }
        catch (XenException e)
        {
            throw Fault(TpmTransportFault.Failed, e.Message, e);
        }
    }

    /// <summary>Closes the device so that the next one, a kernel's driver for example, can open it.</summary>
    public void Dispose()
    {
        try
        {
            Close();
        }
        catch (XenException)
        {
            // Xen ends with the domain what could not be ended now.
        }

        _page?.Dispose();
        _page = null;
        if (_ownsHost) _host.Dispose();
    }

    private void Connect()
    {
        IXenStore store = _host.Store;
        if (store.Read($"{_path}/backend") is not { Length: > 0 } backend || !uint.TryParse(store.Read($"{_path}/backend-id"), out uint domain))
            throw Fault(TpmTransportFault.Unavailable, "this domain has no such device; the toolstack gives it one by vtpm=[\"backend=…\"]");
        _backend = backend;
        store.Watch($"{_backend}/state", Token);
        IGrantedPage granted = _host.GrantPage(domain);
        _page = new TpmifPage(granted, _ => throw new XenException("we offer no further pages"));
        _port = _host.OfferEventChannel(domain);
        if (!WaitUntil(
                () => BackendState() is XenbusState.InitWait or XenbusState.Initialised or XenbusState.Connected, _options.ConnectTimeout, () => true))
            throw Fault(TpmTransportFault.Unavailable, $"its backend (domain {domain}) does not come: is the vTPM, or the manager, started there?");
        store.Transact(writes =>
        {
            writes.Write($"{_path}/ring-ref", granted.Reference.ToString(CultureInfo.InvariantCulture));
            writes.Write($"{_path}/event-channel", _port.ToString(CultureInfo.InvariantCulture));
            writes.Write($"{_path}/feature-protocol-v2", "1");
        });
        SetState(XenbusState.Initialised);
        if (!WaitUntil(() => BackendState() == XenbusState.Connected, _options.ConnectTimeout, () => true))
            throw Fault(TpmTransportFault.Unavailable, $"its backend (domain {domain}) does not connect");
        if (store.Read($"{_backend}/feature-protocol-v2") != "1")
            throw Fault(TpmTransportFault.Unavailable, "its backend does not speak version 2 of the protocol");
        SetState(XenbusState.Connected);
        BackendLabel = _host.LabelOfPeer(_port);
    }

    private void Close()
    {
        if (_port == 0) return;
        uint port = _port;
        _port = 0;
        SetState(XenbusState.Closing);
        SetState(XenbusState.Closed);
        // The backend lets go of the page before it is taken back from it.
        WaitUntil(() => BackendState() is XenbusState.InitWait or XenbusState.Closed or XenbusState.Unknown, _options.ConnectTimeout, () => true);
        _host.Store.Unwatch($"{_backend}/state", Token);
        _host.Store.Remove($"{_path}/ring-ref");
        _host.Store.Remove($"{_path}/event-channel");
        _host.UnbindEventChannel(port);
        if (BackendState() == XenbusState.InitWait) SetState(XenbusState.Initialising);
    }

    private void Cancel(TpmifPage page)
    {
        page.State = TpmifState.Cancel;
        _host.Notify(_port);
    }

    private bool HasBackend() => BackendState() == XenbusState.Connected;

    private bool WaitUntil(Func<bool> condition, TimeSpan patience, Func<bool> hope)
    {
        long start = _time.GetTimestamp();
        while (!condition())
        {
            TimeSpan left = patience - _time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || !hope()) return condition();
            _fired.Clear();
            while (_host.Store.TryTakeWatch(out _))
            {
                // What it says is read anew by the condition.
            }

            if (condition()) break;
            _host.Wait(left, _fired);
            foreach (uint port in _fired) _host.Rearm(port);
        }

        return true;
    }

    private XenbusState BackendState() =>
        int.TryParse(_host.Store.Read($"{_backend}/state"), NumberStyles.None, CultureInfo.InvariantCulture, out int state)
            ? (XenbusState)state
            : XenbusState.Unknown;

    private void SetState(XenbusState state) => _host.Store.Write($"{_path}/state", ((int)state).ToString(CultureInfo.InvariantCulture));

    private TpmTransportException Fault(TpmTransportFault fault, string what, Exception? inner = null) => new(fault, $"xen:{_path}: {what}", inner);
}
