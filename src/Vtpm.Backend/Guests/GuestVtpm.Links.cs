using System.Net.Sockets;
using Vtpm.Confinement;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Backend;

/// <content>What is said to the process and by it: requests and answers, its wish for a connection to the manager, its log.</content>
internal sealed partial class GuestVtpm
{
    /// <summary>Connections that it gets without waiting; further ones come one in this time: it is in its guest's hands for all we know.</summary>
    private const int FreeConnections = 4;

    private static readonly TimeSpan ConnectionInterval = TimeSpan.FromSeconds(1);

    /// <summary>For a process to end that has closed its link.</summary>
    private static readonly TimeSpan LinkPatience = TimeSpan.FromSeconds(5);

    private ManagerIntroducer.Introduction? _introduction;
    private long _lastConnection;
    private int _connections;

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
            TakeEndOfLink(_process);
            return;
        }

        ReadOnlySpan<byte> message = _message.AsSpan(0, length);
        if (!_isReady) TakeReady(message);
        else if ((_active is null && State != GuestState.Measuring) || !VtpmLinkMessage.TryReadResponse(message, out ReadOnlySpan<byte> response))
            Kill("it sends what it was not asked for");
        else if (State == GuestState.Measuring) TakeMeasured(response);
        else TakeAnswer(response);
        _message.AsSpan(0, length).Clear();
    }

    /// <summary>
    /// A process that ends closes its links before its end shows, and how it has ended is to be told. One that goes on without its link is killed.
    /// </summary>
    private void TakeEndOfLink(IVtpmProcess process)
    {
        _context.Loop.Disregard(process.Requests.SafeHandle);
        Later(LinkPatience, () =>
        {
            if (_process == process && State != GuestState.Ending) Kill("it has closed its link, and goes on");
        });
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
        if (_image!.IsNew) Settle(_process!, _image);
        else Begin();
    }

    private void Settle(IVtpmProcess process, HeldImage image) => _disk.Run(image.Settle, fault => Guard(() =>
    {
        // It may have ended meanwhile, or been told to.
        if (_process != process || State != GuestState.Starting) return;
        if (fault is not null) Kill(fault.Message);
        else Begin();
    }));

    private void Begin()
    {
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
        if (!TrySettleRecord()) return;
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
                _introduction = _context.Introducer.Begin(Uuid, _label, Guard, Answer);
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
        Later(pause, () =>
        {
            if (_process == process) Attend(process.Log.SafeHandle, TakeLog);
        });
    }

    private bool TrySettleRecord()
    {
        try
        {
            _record!.Settle();
            return true;
        }
        catch (IOException exception)
        {
            Kill(exception.Message);
            return false;
        }
    }
}
