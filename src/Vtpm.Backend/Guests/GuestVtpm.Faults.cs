using System.Runtime.InteropServices;
using Vtpm.Transports;

namespace Vtpm.Backend;

/// <content>
/// The rule for what goes wrong in the service's own work for a vTPM: it costs this vTPM its process, as if that had died, and the service nothing.
/// All that is done for a vTPM is called through here, so that no callback is left out after it has thrown.
/// </content>
internal sealed partial class GuestVtpm
{
    /// <summary>A process whose end is not told by its descriptor is looked at so often.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly BoundedLog _faults;
    private bool _isLookedFor;

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            TakeFault(exception);
        }
    }

    private void TakeFault(Exception exception)
    {
        _faults.Write($"vTPM {Uuid}: a fault of this service: {exception}");
        GiveUpProcess($"a fault of the service: {exception.Message}");
    }

    private void GiveUpProcess(string why)
    {
        _fault = why;
        if (_process is not { } process)
        {
            // Without one there is nothing to wait for; what was to come of it is tried again.
            if (_isOpening) return;
            CloseFiles();
            if (HasDevices && !_context.IsStopping) Retry(why);
            return;
        }

        // What has failed would fail again as long as there is something to read.
        foreach (SafeHandle handle in (SafeHandle[])[process.Requests.SafeHandle, process.Manager.SafeHandle, process.Log.SafeHandle, process.Ended])
            _context.Loop.Disregard(handle);
        _killed = true;
        process.Kill();
        if (_isLookedFor) return;
        _isLookedFor = true;
        Later(LookInterval, () => LookForEnd(process));
    }

    /// <summary>Its files are locked until it has ended, so that two never write to them: its end is waited for whatever has gone wrong.</summary>
    private void LookForEnd(IVtpmProcess process)
    {
        if (_process != process) return;
        Later(LookInterval, () => LookForEnd(process));
        TakeEnd();
    }

    private void Attend(SafeHandle handle, Action ready) => _context.Loop.Attend(handle, () => Guard(ready));

    private void Later(TimeSpan delay, Action action) => _context.Alarms.Set(delay, () => Guard(action));
}
