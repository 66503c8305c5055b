using System.Buffers.Binary;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;
using Vtpm.Xen.Tests;

namespace Vtpm.Fuzz;

/// <summary>A backend on the model of Xen, with the frontend that is fuzzed and a neighbour that does as it should.</summary>
internal sealed class TpmifMachine : IDisposable
{
    private const uint Fuzzed = 5;
    private const uint Neighbour = 6;
    private const int MostPages = 64;
    private const uint Mark = 0x5A170000;
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");
    private static readonly string[] Refusable = [nameof(IXenHost.MapGrant), nameof(IXenHost.BindEventChannel), nameof(IXenHost.Notify)];

    private readonly XenModel _model = new();
    private readonly ModelTime _time = new();
    private readonly RawFrontend _neighbour;
    private readonly List<ModelPage> _pages = [];

    /// <summary>On which page each request was put, by its number.</summary>
    private readonly Dictionary<uint, ModelPage> _asked = [];
    private readonly Queue<TpmbackClient> _deferred = [];
    private ModelHost _host;
    private Tpmback _back;
    private uint _lastNumber = Mark;
    private readonly long _start;
    private int _lines;
    private bool _refused;
    private int _lives = 1;

    public TpmifMachine()
    {
        _start = _time.GetTimestamp();
        (_host, _back) = Start();
        _neighbour = _model.Guest(Neighbour, Uuid);
        Guest = _model.Guest(Fuzzed, Uuid);
        _pages.Add(Guest.Page);
        _neighbour.Publish();
        for (int i = 0; i < 8; i++) Turn();
        Check(_neighbour.BackendState == "4", "the neighbour is not connected");
    }

    public RawFrontend Guest { get; private set; }

    public void Turn()
    {
        _back.Turn(TimeSpan.Zero);
        _host.Faults.Clear();
    }

    /// <summary>A request with a number of its own; an odd locality has it answered later.</summary>
    public void Ask(int length, byte locality, byte extraPages)
    {
        byte[] command = RawFrontend.Command(length: Math.Clamp(length, 14, 4096));
        BinaryPrimitives.WriteUInt32BigEndian(command.AsSpan(10), ++_lastNumber);
        _asked[_lastNumber] = Guest.Page;
        // The references that are there stay, as a guest's would that has granted more pages.
        byte[] references = Guest.Page.Bytes[8..(8 + (4 * extraPages))];
        Guest.Put(command, locality, extraPages: extraPages);
        references.CopyTo(Guest.Page.Bytes, 8);
        Guest.State = 1;
        Guest.Kick();
    }

    public void NewPage()
    {
        if (_pages.Count == MostPages) return;
        Guest.NewPage();
        _pages.Add(Guest.Page);
    }

    public void Grant(byte index)
    {
        if (_pages.Count == MostPages) return;
        var page = (ModelPage)Guest.Host.GrantPage(0);
        _pages.Add(page);
        BinaryPrimitives.WriteUInt32LittleEndian(Guest.Page.Bytes.AsSpan(8 + (4 * index)), page.Reference);
    }

    public void RemoveNode(string name) => _model.Remove($"/local/domain/{Fuzzed}/device/vtpm/0/{name}");

    public void Complete(int length)
    {
        if (!_deferred.TryDequeue(out TpmbackClient? client)) return;
        byte[] response = Response(client.Request.Span, length);
        _back.Complete(client, response);
        CheckPages(response);
    }

    public void Pass(TimeSpan time) => _time.Pass(time);

    public void Detach()
    {
        if (_model.Read($"{Guest.BackendPath}/state") is null or "6") return;
        _model.Write($"{Guest.BackendPath}/online", "0");
        _model.Write($"{Guest.BackendPath}/state", "5");
    }

    public void Remove()
    {
        _model.Remove(Guest.BackendPath);
        _model.Remove($"/local/domain/{Fuzzed}/device/vtpm/0");
    }

    public void Announce()
    {
        _lives++;
        _model.Announce(backend: 0, Fuzzed, device: 0, Uuid);
    }

    public void Die()
    {
        if (_pages.Count == MostPages) return;
        Guest.Die();
        Guest = new RawFrontend(_model, Fuzzed);
        _pages.Add(Guest.Page);
    }

    public void Restart()
    {
        _lives++;
        _deferred.Clear();
        _host.Dispose();
        (_host, _back) = Start();
    }

    public void Refuse(byte which)
    {
        _refused = true;
        _host.Faults[Refusable[which % Refusable.Length]] = new XenException("EINVAL", "refused");
    }

    /// <summary>Whatever was done, the neighbour is served, and of the other nothing is left when it is gone.</summary>
    public void End()
    {
        _host.Faults.Clear();
        _neighbour.Submit(RawFrontend.Command());
        for (int i = 0; i < 4; i++) Turn();
        // A backend that is started again and refused the neighbour's page has closed that device; nothing else does.
        Check(_neighbour.State == 2 || (_refused && _neighbour.BackendState == "6"), "the neighbour is not answered");
        int neighbours = _neighbour.BackendState == "4" ? 1 : 0;
        Remove();
        for (int i = 0; i < 4; i++) Turn();
        Check(_host.Mapped == neighbours && _host.Bound == neighbours, $"{_host.Mapped} pages and {_host.Bound} ports are left");
        double tens = _time.GetElapsedTime(_start).TotalSeconds / 10;
        Check(_lines <= (100 * _lives) + (2 * tens), $"{_lines} lines are logged");
    }

    public void Dispose()
    {
        _back.Dispose();
        foreach (ModelHost host in _model.Hosts.ToArray()) host.Dispose();
    }

    private (ModelHost Host, Tpmback Back) Start()
    {
        ModelHost host = _model.Domain(0);
        return (host, new Tpmback(host, Answer, new TpmbackOptions { Log = _ => _lines++, Time = _time }));
    }

    private int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        Check(TpmMessage.IsWhole(request), $"{request.Length} bytes that are no message");
        Check(!_deferred.Contains(client), "a second request while one is executed");
        Check(client.Request.Span.SequenceEqual(request), "the client has another request");
        if (client.Domain == Fuzzed && (locality & 1) != 0)
        {
            _deferred.Enqueue(client);
            return TpmServer.Deferred;
        }

        byte[] answer = Response(request, request.Length);
        answer.CopyTo(response);
        return answer.Length;
    }

    // The request's number, in an answer of that length.
    private static byte[] Response(ReadOnlySpan<byte> request, int length)
    {
        byte[] response = new byte[Math.Clamp(length, 14, TpmMessage.MaxLength)];
        BinaryPrimitives.WriteUInt16BigEndian(response, (ushort)TpmTag.RspCommand);
        BinaryPrimitives.WriteUInt32BigEndian(response.AsSpan(2), (uint)response.Length);
        if (request.Length >= 14) request.Slice(10, 4).CopyTo(response.AsSpan(10));
        return response;
    }

    // An answer is on the page where its request was, or nowhere.
    private void CheckPages(ReadOnlySpan<byte> response)
    {
        if (!_asked.TryGetValue(BinaryPrimitives.ReadUInt32BigEndian(response[10..]), out ModelPage? own)) return;
        foreach (ModelPage page in _pages)
            Check(page == own || page.Bytes.AsSpan().IndexOf(response[..14]) < 0, "an answer is on another page than its request's");
    }

    private static void Check(bool condition, string otherwise)
    {
        if (!condition) throw new InvalidOperationException(otherwise);
    }
}
