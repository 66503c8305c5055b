using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Manager;

/// <summary>
/// The hardware counter that an image is bound to. The image goes ahead: first a root that carries the next value is durable, then the hardware
/// counts up to it. So an image that was saved last carries what the hardware stands at, or one more.
/// </summary>
internal sealed class ImageCounter(IRollbackHardware hardware, ManagerImage image, ManagerLog log)
{
    private bool _isUncertain;
    private bool _isSilent;

    public bool IsUsed => image.CounterIndex != 0;

    /// <summary>What the hardware is known to stand at.</summary>
    public uint Value { get; private set; }

    /// <summary>The image carries a value that the hardware has not counted up to yet.</summary>
    public bool IsAhead => IsUsed && Value != uint.MaxValue && image.CounterValue == Value + 1;

    /// <summary>Somebody else has counted: another manager, on a copy of this image.</summary>
    public bool WasCountedElsewhere { get; private set; }

    /// <summary>What the hardware says that it stands at; on a TPM 1.2 nobody vouches for it before the next <see cref="Count"/>.</summary>
    public RollbackAnswer<uint> Read()
    {
        RollbackAnswer<uint> answer = hardware.ReadCounter(image.CounterIndex, image.CounterAuth);
        if (answer.IsDone) Value = answer.Value;
        return answer;
    }

    /// <summary>Uses a counter that was just made, or found.</summary>
    public void Take(uint index, in Wire.TpmAuthData auth, uint value)
    {
        image.SetCounter(index, auth);
        Value = value;
        Bind();
    }

    /// <summary>The next save carries the next value; whatever was saved before is old when the hardware has counted up to it.</summary>
    public void Bind()
    {
        if (Value != uint.MaxValue) image.SetCounterValue(Value + 1);
    }

    /// <summary>Counts the hardware up to what the image, which is durable, carries. What it says against it is logged once.</summary>
    public bool Count(TimeSpan patience)
    {
        try
        {
            if (_isUncertain)
            {
                // Counted twice, the hardware would be beyond the image, and a stop here would have it refused.
                RollbackAnswer<uint> present = Read();
                if (!present.IsDone) return Failed(present.Reason, present.Status == RollbackStatus.Busy);
                if (!IsAhead) return Counted(Value);
            }

            RollbackAnswer<uint> answer = hardware.IncrementCounter(image.CounterIndex, image.CounterAuth, patience);
            _isUncertain = !answer.IsDone;
            return answer.IsDone ? Counted(answer.Value) : Failed(answer.Reason, answer.Status == RollbackStatus.Busy);
        }
        catch (Exception e) when (e is TpmException or TpmTransportException or ManagerException)
        {
            _isUncertain = true;
            return Failed(e.Message, mayPass: true);
        }
    }

    private bool Counted(uint value)
    {
        Value = value;
        WasCountedElsewhere = value != image.CounterValue;
        if (WasCountedElsewhere)
        {
            log.Error(
                $"the hardware counter stands at {value} and this image is the one for {image.CounterValue}: somebody else counts with it. Is there a second manager, on a copy of this image? Of two, one is refused at its next start");
            return false;
        }

        if (_isSilent) log.Info($"the hardware counter counts again, and stands at {value}");
        _isSilent = false;
        return true;
    }

    private bool Failed(string reason, bool mayPass)
    {
        if (_isSilent) return false;
        _isSilent = true;
        string line = $"the hardware counter does not count now: {reason}. The vTPMs go on, and it is tried again later; until then the copies of the image made since it counted last are not told from the image";
        if (mayPass) log.Warn(line);
        else log.Error(line);
        return false;
    }
}
