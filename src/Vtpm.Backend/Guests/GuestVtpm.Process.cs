using System.Net.Sockets;
using Vtpm.Confinement;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Backend;

/// <content>The process: its start and its end.</content>
internal sealed partial class GuestVtpm
{
    private IVtpmProcess? _process;
    private ProcessLog? _log;
    // Kept as long as the process: their locks end when these handles are closed, though the process has the files open.
    private HeldImage? _image;
    private HeldRecord? _record;
    private long _servingSince;
    private bool _isOpening;
    private bool _isSlow;
    private bool _isReady;
    private bool _killed;

    /// <summary>Opens what a process needs, and starts it then.</summary>
    private void Start()
    {
        (_isReady, _killed, _isSlow, _servingSince, _connections, _measured) = (false, false, false, 0, 0, 0);
        if (!TryFindWhetherItBegins()) return;
        if (_begins && !TakeMeasurements()) return;
        Become(GuestState.Starting);
        // One that is being opened, for a guest that has gone meanwhile, is for the one that has come as well.
        if (_isOpening) return;
        _disk.Run(() => _context.Images.Open(Uuid), (image, fault) => Guard(() => TakeImage(image, fault)));
        _isOpening = true;
    }

    private void TakeImage(HeldImage? image, Exception? fault)
    {
        _isOpening = false;
        _context.Wake();
        if (_process is not null)
        {
            // It was opened for nothing: its start had been given up, and another one was quicker.
            if (image is not null) _disk.Run(image.Dispose, fault => Guard(() => TakeClosed(fault)));
            return;
        }

        _image = image;
        if (State != GuestState.Starting || !HasDevices || _context.IsStopping) CloseFiles();
        else if (fault is not null) Retry(fault.Message);
        else Launch();
    }

    private void Launch()
    {
        try
        {
            _record = _context.Records.Open(Uuid, _identity, _begins, _originOfNew);
            _boot = _record.Record.Origin;
            _process = _context.Launcher.Start(new VtpmLaunch(Uuid, _image!.Store, _image.IsNew, _record.Store));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            CloseFiles();
            Retry(exception.Message);
            return;
        }

        // It has its time from now on.
        Become(GuestState.Starting);
        _isLookedFor = false;
        _log = new ProcessLog(_process.Log, _said, _context.Elapsed);
        Attend(_process.Ended, TakeEnd);
        Attend(_process.Log.SafeHandle, TakeLog);
        Attend(_process.Requests.SafeHandle, TakeAnswers);
        Attend(_process.Manager.SafeHandle, TakeWish);
    }

    /// <summary>
    /// Where nobody says whether the domain has run: a vTPM that has served it, by its record, was taken away and given back, and goes on.
    /// </summary>
    /// <returns>False when it cannot be told, and is to be tried again.</returns>
    private bool TryFindWhetherItBegins()
    {
        try
        {
            if (_begins && _couldGoOn && _context.Records.HasServed(Uuid, _identity)) _begins = false;
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Retry(exception.Message);
            return false;
        }
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
        _log?.End();
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
        _record?.Dispose();
        if (_image is { } image) _disk.Run(() => image.Dispose(), fault => Guard(() => TakeClosed(fault)));
        (_image, _record) = (null, null);
    }

    private void TakeClosed(Exception? fault)
    {
        if (fault is not null) Log($"its image: {fault.Message}");
        _context.Wake();
    }

    private void Retry(string why, TimeSpan served = default)
    {
        _retryDelay = _delay.Next(served);
        if (!_killed || _fault.Length == 0) _fault = why;
        Log(_retryDelay == TimeSpan.Zero ? $"{why}; it is started again" : $"{why}; it is started again in {_retryDelay.TotalSeconds:0.##} s");
        Become(GuestState.Waiting);
    }
}
