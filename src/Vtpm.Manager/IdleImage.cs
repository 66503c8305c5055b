namespace Vtpm.Manager;

/// <summary>
/// While nobody asks anything, both roots of the image get the newest state, so that damage in either costs nothing. A busy manager has better to do:
/// with each save the roots differ again.
/// </summary>
internal sealed class IdleImage(ManagerService service) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private ITimer? _timer;
    private long _seen = -1;
    private string _fault = "";
    private bool _ended;

    public void Start(TimeProvider time) => _timer = time.CreateTimer(_ => Look(), null, Pause, Pause);

    /// <summary>Nothing was asked since it was called last: now is the time.</summary>
    public void Look()
    {
        lock (service.Gate)
        {
            if (_ended) return;   // called by a timer, which may be late
            bool isIdle = service.Requests == _seen && !service.HasPending;
            _seen = service.Requests;
            if (isIdle) TwinOrComplain();
        }
    }

    /// <summary>Also before and after anybody is served.</summary>
    public void Twin()
    {
        if (service.Image.TryTwin(out string reason)) _fault = "";
        else if (reason.Length > 0 && reason != _fault) service.Log.Warn($"the image's other root stays one save behind: {_fault = reason}");
    }

    /// <summary>Nothing is written any more when this returns.</summary>
    public void Dispose()
    {
        lock (service.Gate) _ended = true;
        _timer?.Dispose();
    }

    // On a thread that ends the process with whatever it throws.
    private void TwinOrComplain()
    {
        try
        {
            Twin();
        }
        catch (Exception e)
        {
            service.Log.Error($"the image's other root stays one save behind: {e}");
        }
    }
}
