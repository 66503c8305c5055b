namespace Vtpm.Xen;

/// <content>
/// What a frontend may cost without asking anything: notifications of no request, and states in xenstore that change without end. Beyond its
/// allowance it waits, and nobody else does: its port stays silent, or its state is read later.
/// </content>
public sealed partial class Tpmback
{
    private readonly PriorityQueue<(TpmbackDevice Device, bool Follows), TimeSpan> _later = new();
    private readonly TimeProvider _time;
    private readonly long _start;

    private TimeSpan Now() => _time.GetElapsedTime(_start);

    /// <summary>Lets a device notify again that has done so for nothing.</summary>
    private void RearmInTime(TpmbackDevice device)
    {
        TimeSpan now = Now();
        TimeSpan wait = device.TakeIdleEvent(now);
        if (wait == TimeSpan.Zero) device.Rearm();
        else if (!device.RearmsLater)
        {
            device.RearmsLater = true;
            _later.Enqueue((device, Follows: false), now + wait);
        }
    }

    /// <summary>Looks at the states in xenstore, at once or with what comes until it may.</summary>
    private void FollowInTime(TpmbackDevice device)
    {
        if (device.FollowsLater) return;
        TimeSpan now = Now();
        TimeSpan wait = device.TakeState(now);
        if (wait == TimeSpan.Zero)
        {
            Follow(device);
            return;
        }

        device.FollowsLater = true;
        _later.Enqueue((device, Follows: true), now + wait);
    }

    /// <summary>How long to wait at the most, when there is nothing to do now.</summary>
    private TimeSpan Patience(TimeSpan timeout)
    {
        if (!_later.TryPeek(out _, out TimeSpan due)) return timeout;
        TimeSpan left = due - Now();
        if (left < TimeSpan.Zero) left = TimeSpan.Zero;
        return timeout == Timeout.InfiniteTimeSpan || left < timeout ? left : timeout;
    }

    private void DoWhatIsDue()
    {
        if (_later.Count == 0) return;
        TimeSpan now = Now();
        while (_later.TryPeek(out var entry, out TimeSpan due) && due <= now)
        {
            _later.Dequeue();
            (TpmbackDevice device, bool follows) = entry;
            if (!follows)
            {
                device.RearmsLater = false;
                device.Rearm();
                continue;
            }

            device.FollowsLater = false;
            // It may have been forgotten meanwhile, and another be there in its place.
            if (_watches.TryGetValue(device.WatchToken, out TpmbackDevice? present) && present == device) Follow(device);
        }
    }
}
