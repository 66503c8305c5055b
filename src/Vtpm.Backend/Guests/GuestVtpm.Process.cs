using System.Net.Sockets;
using Vtpm.Confinement;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Backend;

/// <content>The process: its start, its two links, its end.</content>
internal sealed partial class GuestVtpm
{
    /// <summary>Connections that it gets without waiting; further ones come one in this time: it is in its guest's hands for all we know.</summary>
    private const int FreeConnections = 4;

    private static readonly TimeSpan ConnectionInterval = TimeSpan.FromSeconds(1);

    private IVtpmProcess? _process;
    private ProcessLog? _log;
    // Kept as long as the process: their locks end when these handles are closed, though the process has the files open.
    private HeldImage? _image;
    private HeldRecord? _record;
    private ManagerIntroducer.Introduction? _introduction;
    private long _lastConnection;
    private int _connections;
    private long _servingSince;
    private bool _isReady;
    private bool _killed;

    private void Start()
    {
        (_isReady, _killed, _servingSince, _connections, _measured) = (false, false, 0, 0, 0);
        try
        {
            // Where nobody says whether the domain has run: a vTPM that has served it, by its record, was taken away and given back.
            if (_begins && _couldGoOn && _context.Records.HasServed(Uuid, _identity)) _begins = false;
            if (_begins && !TakeMeasurements()) return;
            _image = _context.Images.Open(Uuid);
            _record = _context.Records.Open(Uuid, _identity, _begins, _originOfNew);
            _boot = _record.Record.Origin;
            _process = _context.Launcher.Start(new VtpmLaunch(Uuid, _image.Store, _image.IsNew, _record.Store));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            CloseFiles();
            Retry(exception.Message);
            return;
        }

        _log = new ProcessLog(_process.Log, _said, _context.Elapsed);
        _context.Loop.Attend(_process.Log.SafeHandle, TakeLog);
        _context.Loop.Attend(_process.Requests.SafeHandle, TakeAnswers);
        _context.Loop.Attend(_process.Manager.SafeHandle, TakeWish);
        _context.Loop.Attend(_process.Ended, TakeEnd);
        Become(GuestState.Starting);
    }

    /// <returns>False when there are none, and have to be.</returns>
    private bool TakeMeasurements()
    {
        if (_context.Measurements.TryTake(Uuid, out var left)) _measurements = left;
        if (!_measurements.IsEmpty || !_context.Options.RequireMeasurement) return true;
        Log($"nobody has left what domain {Domain} boots (vtpm measure), and --require-measurement is given: it does not start");
        _fault = "no measurement";
        Become(GuestState.Unmeasured);
        return false;
    }

    /// <summary>Has it end after the request that it is in.</summary>
    private void End()
    {
        foreach (Waiting waiting in _waiting) Fail(waiting.Client, TpmResult.Retry);
        _waiting.Clear();
        if (_process is null || State == GuestState.Ending) return;
        Become(GuestState.Ending);
        try
        {
            _process.Requests.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It has ended, which is about to show.
        }
    }

    private void Kill(string why)
    {
        if (_process is null || _killed) return;
        Log($"{why}; its process {_process.Id} is killed");
        _fault = why;
        _killed = true;
        _process.Kill();
    }

    private void Send(Waiting request)
    {
        (_active, _activeSince) = (request, _context.Now);
        Send(isOurs: false, request.Locality, request.Client.ToString(), request.Client.LabelOrAddress, request.Client.Request.Span);
    }

    private void Send(bool isOurs, int locality, string client, string label, ReadOnlySpan<byte> request)
    {
        int length = VtpmLinkMessage.WriteRequest(_message, isOurs, locality, client, label, request);
        _process!.Requests.Send(_message.AsSpan(0, length), SocketFlags.None, out SocketError error);
        // One request fits whatever room the socket has. What is not sent is never answered, and its end is about to show.
        if (error is not (SocketError.Success or SocketError.ConnectionReset or SocketError.Shutdown)) Kill($"its link takes no request ({error})");
    }

    private void TakeAnswers()
    {
        int length = _process!.Requests.Receive(_message, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock) return;
        if (error != SocketError.Success || length == 0)
        {
            // It has closed its link, and ends by itself, or is ended.
            _context.Loop.Disregard(_process.Requests.SafeHandle);
            if (!_process.HasEnded(out _) && State != GuestState.Ending) Kill("it has closed its link");
            return;
        }

        ReadOnlySpan<byte> message = _message.AsSpan(0, length);
        if (!_isReady) TakeReady(message);
        else if ((_active is null && State != GuestState.Measuring) || !VtpmLinkMessage.TryReadResponse(message, out ReadOnlySpan<byte> response)) Kill("it sends what it was not asked for");
        else if (State == GuestState.Measuring) TakeMeasured(response);
        else TakeAnswer(response);
        _message.AsSpan(0, length).Clear();
    }

    private void TakeAnswer(ReadOnlySpan<byte> response)
    {
        Waiting answered = _active!.Value;
        _active = null;
        if (_devices.Contains(answered.Client)) _context.Loop.Complete(answered.Client, response);
        SendNext();
    }

    private void SendNext()
    {
        if (State != GuestState.Serving || _waiting.First is not { } next) return;
        _waiting.Remove(next);
        Send(next.Value);
    }

    private void TakeReady(ReadOnlySpan<byte> message)
    {
        if (!VtpmLinkMessage.TryReadReady(message, out BootOrigin? origin))
        {
            Kill("it does not say that it has started");
            return;
        }

        _isReady = true;
        if (origin is not null) _boot = origin;
        if (State == GuestState.Ending) return;
        if (!TrySettle(_image!.Settle)) return;
        if (_begins && !_measurements.IsEmpty)
        {
            Become(GuestState.Measuring);
            Measure();
        }
        else
        {
            Serve();
        }
    }

    private bool TrySettle(Action settle)
    {
        try
        {
            settle();
            return true;
        }
        catch (IOException exception)
        {
            Kill(exception.Message);
            return false;
        }
    }

    private void Measure()
    {
        BootMeasurement measurement = _measurements[_measured];
        byte[] extend = new byte[TpmHeader.Size + sizeof(uint) + TpmDigest.Size];
        var header = new TpmHeader { Tag = TpmTag.RquCommand, ParamSize = (uint)extend.Length, Code = (uint)TpmOrdinal.Extend };
        var writer = new WireWriter(extend);
        writer.Structure(ref header);
        uint pcr = (uint)measurement.Pcr;
        writer.UInt32(ref pcr);
        measurement.Digest.ReadOnlySpan.CopyTo(extend.AsSpan(TpmHeader.Size + sizeof(uint)));
        Send(isOurs: true, locality: 0, "service", "", extend);
    }

    private void TakeMeasured(ReadOnlySpan<byte> response)
    {
        TpmResult result = TpmMessage.ReadResult(response);
        // A guest must not run with less on its record than was measured.
        if (result != TpmResult.Success) Kill($"it refuses a measurement of the guest's boot with TPM_{result}");
        else if (++_measured < _measurements.Length) Measure();
        else
        {
            Log($"{_measured} measurements of the boot of domain {Domain} are extended");
            Serve();
        }
    }

    private void Serve()
    {
        // From here on the guest can have used it, and a process that comes after this one goes on.
        if (!TrySettle(_record!.Settle)) return;
        _begins = false;
        _measurements = [];
        _servingSince = _context.Now;
        _fault = "";
        Log($"serves domain {Domain}, as process {_process!.Id}{OfTheBoot()}");
        Become(GuestState.Serving);
        SendNext();
    }

    private string OfTheBoot() => _boot switch
    {
        BootOrigin.Attached => "; the guest was running before: there is no record of its boot, and what its PCRs hold is the guest's word alone",
        BootOrigin.Lost => "; the record of the guest's boot is lost: nothing opens that depends on it until the guest is restarted",
        BootOrigin.Unknown => "; whether the guest ran before, the hypervisor does not tell this domain",
        _ => "",
    };

    /// <summary>The process wants a connection to the manager, and nothing else.</summary>
    private void TakeWish()
    {
        switch (ParentLink.Take(_process!.Manager.SafeHandle))
        {
            case ChildMessage.None:
                break;
            case ChildMessage.Connect when _introduction is { IsDone: false }:
                Kill("it asks for two connections at once");
                break;
            case ChildMessage.Connect when _connections >= FreeConnections && _context.Now < _context.After(_lastConnection, ConnectionInterval):
                Answer(null, "this vTPM asks for connections too often");
                break;
            case ChildMessage.Connect:
                if (_connections < FreeConnections || _context.Now >= _context.After(_lastConnection, ConnectionInterval * FreeConnections)) _connections++;
                _lastConnection = _context.Now;
                _introduction = _context.Introducer.Begin(Uuid, _label, Answer);
                break;
            case ChildMessage.Ended:
                _context.Loop.Disregard(_process.Manager.SafeHandle);
                break;
            default:
                Kill("it sends what no vTPM sends");
                break;
        }
    }

    private void Answer(Socket? connection, string why)
    {
        try
        {
            if (connection is not null) ParentLink.Give(_process!.Manager.SafeHandle, connection.SafeHandle);
            else ParentLink.Refuse(_process!.Manager.SafeHandle, why);
        }
        catch (ConfinementException exception)
        {
            Kill($"it takes no answers: {exception.Message}");
        }
        finally
        {
            connection?.Dispose();
        }
    }

    private void TakeLog()
    {
        IVtpmProcess process = _process!;
        bool goesOn = _log!.Take(out TimeSpan pause);
        if (goesOn && pause == TimeSpan.Zero) return;
        _context.Loop.Disregard(process.Log.SafeHandle);
        if (!goesOn) return;
        _context.Alarms.Set(pause, () =>
        {
            if (_process == process) _context.Loop.Attend(process.Log.SafeHandle, TakeLog);
        });
    }

    private void TakeEnd()
    {
        if (_process is not { } process || !process.HasEnded(out string how)) return;
        TimeSpan served = _servingSince == 0 ? TimeSpan.Zero : _context.Options.Time.GetElapsedTime(_servingSince, _context.Now);
        Forget(process);
        if (_active is { } active)
        {
            // Whether it was executed, nobody knows. It must not be executed twice.
            _active = null;
            if (_devices.Contains(active.Client)) Fail(active.Client, TpmResult.Fail);
        }

        if (State == GuestState.Ending && !_context.IsStopping && HasDevices) Start();
        else if (State == GuestState.Ending || !HasDevices) Log($"its process {process.Id} has ended ({how})");
        else
        {
            _restarts++;
            Retry($"its process {process.Id} has ended by itself ({how})", served);
        }

        _context.Wake();
    }

    private void Forget(IVtpmProcess process)
    {
        _introduction?.Dispose();
        _introduction = null;
        CloseFiles();
        _log!.End();
        _log = null;
        _context.Loop.Disregard(process.Log.SafeHandle);
        _context.Loop.Disregard(process.Requests.SafeHandle);
        _context.Loop.Disregard(process.Manager.SafeHandle);
        _context.Loop.Disregard(process.Ended);
        process.Dispose();
        _process = null;
    }

    private void CloseFiles()
    {
        _image?.Dispose();
        _record?.Dispose();
        (_image, _record) = (null, null);
    }

    private void Retry(string why, TimeSpan served = default)
    {
        _retryDelay = _delay.Next(served);
        if (!_killed || _fault.Length == 0) _fault = why;
        Log(_retryDelay == TimeSpan.Zero ? $"{why}; it is started again" : $"{why}; it is started again in {_retryDelay.TotalSeconds:0.##} s");
        Become(GuestState.Waiting);
    }
}
