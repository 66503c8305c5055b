using System.Diagnostics;
using System.Globalization;

namespace Vtpm.Xen.Hostile;

/// <summary>The backend did what it is not to do.</summary>
internal sealed class AttackException(string message) : Exception(message);

/// <summary>One end of a vTPM device, in the hands of an attacker: each part of the page and of the handshake by itself.</summary>
internal sealed class HostileFrontend(IXenHost host, uint device, TimeSpan patience)
{
    public const byte Idle = 0;
    public const byte Submit = 1;
    public const byte Finish = 2;
    public const byte Cancel = 3;

    /// <summary>TPM_GetCapability of TPM_CAP_VERSION: any TPM answers it at any time.</summary>
    public static readonly byte[] Command = [0, 0xC1, 0, 0, 0, 18, 0, 0, 0, 0x65, 0, 0, 0, 6, 0, 0, 0, 0];

    private readonly List<uint> _fired = [];
    private IGrantedPage? _page;

    /// <summary>The device is open, and the backend has followed all that xenstore was told.</summary>
    private bool _isSettled;

    public IXenHost Host { get; } = host;

    public string Path { get; } = string.Create(CultureInfo.InvariantCulture, $"device/vtpm/{device}");

    /// <summary>The page of the present connection.</summary>
    public IGrantedPage Page => _page ?? throw new AttackException("there is no page: the device was never opened");

    public uint Port { get; private set; }

    public uint BackendDomain => uint.TryParse(Host.Store.Read($"{Path}/backend-id"), out uint domain)
        ? domain
        : throw new AttackException($"this domain has no device {Path}");

    public uint Length
    {
        set => Page.WriteUInt32(0, value);
    }

    public byte State
    {
        get => Page.ReadByte(4);
        set => Page.WriteByte(4, value);
    }

    public byte Locality
    {
        set => Page.WriteByte(5, value);
    }

    public byte ExtraPages
    {
        set => Page.WriteByte(7, value);
    }

    /// <summary>What xenstore says of the backend; 0 when there is nothing.</summary>
    public int BackendState => int.TryParse(Host.Store.Read($"{Host.Store.Read($"{Path}/backend")}/state"), out int state) ? state : 0;

    /// <summary>
    /// An honest connection, from whatever was there before. A backend that has not followed all of that may still be reading about a page and a port:
    /// they stay those that were published then, since half of the old and half of the new would be a page or a port that is none.
    /// </summary>
    public void Open()
    {
        bool renews = _isSettled || _page is null;
        // Whatever the backend's state is: it may be about to follow what was written before.
        SetState(5);
        SetState(6);
        Await(() => BackendState is 1 or 2 or 3 or 6, "the backend is ready for a frontend");
        if (BackendState == 6) throw new AttackException("the backend has closed the device");
        SetState(1);
        if (renews) Renew(BackendDomain);
        Publish();
        SetState(3);
        Await(() => BackendState == 4, "the backend is connected");
        SetState(4);
        _isSettled = true;
    }

    /// <summary>Another page and another port, for that domain.</summary>
    public void Renew(uint domain)
    {
        if (Port != 0) Host.UnbindEventChannel(Port);
        _page?.Dispose();
        _page = Host.GrantPage(domain);
        Port = Host.OfferEventChannel(domain);
    }

    public void Publish()
    {
        Set("ring-ref", Page.Reference.ToString(CultureInfo.InvariantCulture));
        Set("event-channel", Port.ToString(CultureInfo.InvariantCulture));
        Set("feature-protocol-v2", "1");
    }

    public void Set(string name, string value)
    {
        _isSettled = false;
        Host.Store.Write($"{Path}/{name}", value);
    }

    public void SetState(int state) => Set("state", state.ToString(CultureInfo.InvariantCulture));

    /// <summary>Puts a message behind a number of references, with its length, and says nothing.</summary>
    public void Put(ReadOnlySpan<byte> message, byte extraPages = 0)
    {
        int start = 8 + (4 * extraPages);
        Page.CopyFrom(start, message[..Math.Min(message.Length, ISharedPage.Size - start)]);
        Locality = 0;
        ExtraPages = extraPages;
        Length = (uint)message.Length;
    }

    public void Kick() => Host.Notify(Port);

    /// <summary>Hands over what is on the page, and waits until it is answered; the page is idle again then.</summary>
    /// <returns>The answer's result.</returns>
    public uint Exchange()
    {
        State = Submit;
        Kick();
        Await(() => State != Submit, "the request is answered");
        byte[] answer = new byte[10];
        Page.CopyTo(8, answer);
        byte state = State;
        State = Idle;
        if (state != Finish) throw new AttackException($"the page's state is {state} after a request, and not {Finish}");
        if (Page.ReadUInt32(0) < 10) throw new AttackException("the answer is shorter than its header");
        return (uint)((answer[6] << 24) | (answer[7] << 16) | (answer[8] << 8) | answer[9]);
    }

    /// <summary>An honest request over an honest connection.</summary>
    public void Ask()
    {
        Open();
        AskOn();
    }

    /// <summary>An honest request over the present connection.</summary>
    public void AskOn()
    {
        Put(Command);
        uint result = Exchange();
        if (result != 0) throw new AttackException($"an honest request is answered with {result}");
    }

    public void Await(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > patience)
                throw new AttackException($"it does not come about that {what} (backend's state {BackendState})");
            Host.Wait(TimeSpan.FromMilliseconds(5), _fired);
            foreach (uint port in _fired) Host.Rearm(port);
            _fired.Clear();
        }
    }
}
