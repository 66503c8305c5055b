using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Manager;

/// <summary>
/// Stands between the manager and its image's disk, so that an older image does not pass for the newest: every save goes through here. See ADR 9.
/// </summary>
internal sealed class RollbackGuard
{
    /// <summary>Chips that spare their counter let it count once in five seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);

    /// <summary>For a manager that does not start without.</summary>
    private static readonly TimeSpan LongPatience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    private readonly ManagerImage _image;
    private readonly ManagerOptions _options;
    private readonly ManagerLog _log;
    private readonly ImageCounter _counter;
    private readonly ImageMask _mask;
    private readonly RollbackSetUp _setUp;
    private bool _isSetUp;
    private bool _hasUnboundSaves;
    private bool _isRoundDue;
    // Why nothing more is saved: an image that has to be protected has come to be on the disk without.
    private string _refusal = "";
    // Timestamps, since the time of day may be set back. Null: never, or not since it counted last.
    private long? _lastRound;
    private long? _lastFailure;

    public RollbackGuard(IRollbackHardware hardware, KeyMaskArea area, ManagerImage image, ManagerOptions options, ManagerLog log)
    {
        _image = image;
        _options = options;
        _log = log;
        _counter = new ImageCounter(hardware, image, log);
        _mask = new ImageMask(area, image, log);
        _setUp = new RollbackSetUp(hardware, area, image, _counter, _mask, log);
    }

    private bool IsRequired => _options.RollbackProtection == RollbackProtection.Required;

    private bool MayCount => _isSetUp && _counter.IsUsed && HasPassed(RetryAfter, _lastFailure);

    /// <summary>Why nothing more is saved; empty while saves are.</summary>
    public string Refusal => _refusal;

    /// <summary>
    /// After opening, and before anything is served: refuses an image that is not the newest, ends what a stop has interrupted, and puts what was
    /// saved before this start into the past.
    /// </summary>
    /// <exception cref="ManagerException">The image is refused, or is not protected where it has to be.</exception>
    public void Start()
    {
        if (!_image.IsPersistent) return;
        var restored = new RestoredImage(_image, _log, _options.AcceptRestored);
        bool isRecovered = _image.Groups[0].IsRecovered;
        if (isRecovered && !_setUp.TryFindCounter())
        {
            _log.Warn(
                $"NOTHING TELLS WHETHER THE IMAGE, SAVE {_image.Sequence}, IS THE NEWEST: this hardware TPM has no counter of it, and gets one");
        }

        if (_counter.IsUsed) CheckCounter(restored);
        else if (!isRecovered && _setUp.WasProtectedSince(out uint? value))
            restored.Judge("the hardware TPM has a counter and a mask for this image, of which it does not know: it is from before it was protected", value);
        restored.SayIfUnused();
        _mask.Find();
        // A stop in the middle of a group-update has left a root that earlier platforms can open.
        if (_image.EarlierSealsRemain && _image.Save() is { Write: not ManagerWrite.Saved } save) _log.Warn($"earlier seals remain: {save.Reason}");
        _mask.Finish();
        if (_mask.IsDue) RenewMask();
        SetUp(restored.IsAccepted);
    }

    /// <summary>
    /// A save of the image. At most once in the interval it takes the hardware counter with it. Once the image is durable, the answer is that it is,
    /// whatever becomes of the rest.
    /// </summary>
    public ManagerSave Save()
    {
        if (_refusal.Length > 0) return Refuse();
        bool binds = MayCount && !_counter.IsAhead && (_isRoundDue || HasPassed(_options.CounterInterval, _lastRound));
        if (binds) _counter.Bind();
        ManagerSave save = _image.Save();
        if (save.Write != ManagerWrite.Saved) return save;
        // Not before: a save that fails leaves the round to the next.
        if (binds) _isRoundDue = false;
        _hasUnboundSaves = true;
        if (!_isSetUp) SetUpAfterFirstSave();
        else if (MayCount && _counter.IsAhead) CountOrBindAgain(TimeSpan.Zero);
        return save;
    }

    /// <summary>
    /// A save that takes something away: a platform, a group, a vTPM, a key. What was saved before is old when this returns, as far as the hardware
    /// counts; where the image's platforms or its key change, nobody can open it any more.
    /// </summary>
    /// <param name="what">For the log.</param>
    /// <param name="renewsKey">The image's key was changed: the old one's mask has to go.</param>
    public ManagerSave SaveRevoking(string what, bool renewsKey = false)
    {
        if (_refusal.Length > 0) return Refuse();
        if (!_isSetUp) return SaveFirst(what);
        bool masks = (!_mask.IsDue && !renewsKey) || !_image.IsMasked || _mask.Begin();
        // What was saved while the counter was behind carries the same value as this save would.
        if (_counter.IsAhead) Count(Patience);
        bool counts = !_counter.IsAhead;
        bool binds = _counter.IsUsed && counts;
        if (binds) _counter.Bind();
        else _isRoundDue = _counter.IsUsed;
        ManagerSave save = _mask.Save();
        if (save.Write != ManagerWrite.Saved) return save;
        if (binds) SetBound();
        EndEarlierSeals(what);
        _mask.Finish();
        counts = counts && (!_counter.IsUsed || CountOrBindAgain(Patience));
        Explain(what, counts, masks && !_mask.IsOldOneThere);
        return save;
    }

    /// <summary>At the end: what was saved since the counter counted last is put into the past as well, but for the last of it.</summary>
    public void Stop()
    {
        if (!_isSetUp || !_counter.IsUsed || !(_hasUnboundSaves || _counter.IsAhead)) return;
        Advance(TimeSpan.Zero);
        if (_counter.WasCountedElsewhere) Advance(TimeSpan.Zero);
    }

    private bool HasPassed(TimeSpan time, long? since) => since is not { } then || _options.Time.GetElapsedTime(then) >= time;

    private void CheckCounter(RestoredImage restored)
    {
        RollbackAnswer<uint> answer = _counter.Read();
        switch (answer.Status)
        {
            case RollbackStatus.Done when _image.CounterValue == answer.Value || _counter.IsAhead:
                return;
            case RollbackStatus.Done when _image.CounterValue < answer.Value:
                restored.Judge($"an older image was put back: the hardware counter stands at {answer.Value}", answer.Value);
                return;
            case RollbackStatus.Done:
                restored.Judge($"the hardware counter stands at {answer.Value}, below what this image was saved with: it is not the counter of this image", answer.Value);
                return;
            case RollbackStatus.Absent:
                restored.Judge("its counter is not in this hardware TPM: the TPM's owner has released it, or this is another TPM", _setUp.FindValue());
                _image.SetCounter(0, _image.CounterAuth);
                return;
            default:
                throw new ManagerException($"the hardware TPM does not say what the image's counter stands at ({answer.Reason}), so the image may be an old one. Start again when it does");
        }
    }

    /// <summary>
    /// Makes what is missing, and counts twice: whatever was saved before this start carries at most one more than the counter stood at.
    /// </summary>
    private void SetUp(bool isRestored)
    {
        _isSetUp = true;
        if (_options.RollbackProtection != RollbackProtection.Off || isRestored)
        {
            ManagerSave made = _setUp.Make(mustCount: isRestored);
            if (made.Write != ManagerWrite.Saved) _log.Error($"the image is not protected against older copies of itself yet: {made.Reason}");
        }

        bool counted = _counter.IsUsed && Advance(IsRequired || isRestored ? LongPatience : Patience);
        // One that does not count so soon again does with a later save.
        if (counted) _isRoundDue = !Advance(IsRequired || isRestored ? LongPatience : TimeSpan.Zero);
        if (isRestored && (!counted || _isRoundDue))
            throw new ManagerException("the restored image was saved as the newest one, but the hardware counter does not count, by which the others become old. Start again, without accepting anything, when it does");
        if (_counter.WasCountedElsewhere)
            throw new ManagerException("the hardware counter is not what it was read to be: this image is an older one, or a second manager runs on a copy of it. Stop that one; put the newest image back");
        if (IsRequired && (!_counter.IsUsed || !_image.IsMasked || !counted))
            throw new ManagerException($"the image is not protected against older copies of itself, which is required: {(_setUp.Lacks.Length > 0 ? _setUp.Lacks : "the hardware counter does not count")}. Make the hardware TPM's owner authorization known (owner_auth=) and room in it; or start without requiring it");
        Report();
    }

    /// <summary>The save with which the image comes to be on the disk.</summary>
    private ManagerSave SaveFirst(string what)
    {
        ManagerSave save = Save();
        if (save.Write == ManagerWrite.Saved && _refusal.Length == 0) EndEarlierSeals(what);
        return save;
    }

    private void SetUpAfterFirstSave()
    {
        try
        {
            SetUp(isRestored: false);
        }
        catch (Exception e)
        {
            string why = e is TpmException or IOException or ManagerException ? e.Message : e.ToString();
            if (IsRequired) _refusal = $"{why}. Nothing more is saved until the manager has been started again, which tries it again";
            _log.Error($"the image is saved, and not protected against older copies of itself yet: {(IsRequired ? _refusal : why)}");
        }
    }

    private void EndEarlierSeals(string what)
    {
        if (_image.EarlierSealsRemain && SaveAgain() is { Write: not ManagerWrite.Saved } second)
            _log.Error($"{what}: the other root can still be opened as before: {second.Reason}");
    }

    /// <summary>A save after one that is durable: nothing that goes wrong with it takes back what the other is answered.</summary>
    private ManagerSave SaveAgain()
    {
        try
        {
            return _image.Save();
        }
        catch (Exception e) when (e is TpmException or IOException or ManagerException)
        {
            return new ManagerSave(ManagerWrite.Failed, e.Message);
        }
    }

    private void RenewMask()
    {
        if (!_mask.Begin()) return;
        ManagerSave save = _mask.Save();
        if (save.Write == ManagerWrite.Saved && _image.EarlierSealsRemain) save = _image.Save();
        if (save.Write != ManagerWrite.Saved)
        {
            _log.Error($"the mask of the image's key is of earlier platforms of group 0, and cannot be replaced now: {save.Reason}");
            return;
        }

        _mask.Finish();
        _log.Info("the mask of the image's key was of earlier platforms of group 0, and is replaced now");
    }

    /// <summary>One round: an image that carries the next value, durable, then the hardware.</summary>
    private bool Advance(TimeSpan patience)
    {
        if (!_counter.IsAhead)
        {
            _counter.Bind();
            if (SaveAgain() is { Write: not ManagerWrite.Saved } save)
            {
                _log.Warn($"the image cannot be bound to the hardware counter: {save.Reason}");
                return false;
            }

            SetBound();
        }

        return Count(patience);
    }

    /// <summary>All that was saved so far is bound to a value of the counter.</summary>
    private void SetBound() => _hasUnboundSaves = _isRoundDue = false;

    private ManagerSave Refuse()
    {
        _image.Rollback();
        return new ManagerSave(ManagerWrite.Failed, _refusal);
    }

    private bool Count(TimeSpan patience)
    {
        long now = _options.Time.GetTimestamp();
        bool counted = _counter.Count(patience);
        if (counted) _lastRound = now;
        _lastFailure = counted ? null : now;
        return counted;
    }

    /// <summary>
    /// Where somebody else has counted, this image is bound to what the counter stands at now: it is the one that vTPMs have saved to, and has to
    /// open the next time.
    /// </summary>
    private bool CountOrBindAgain(TimeSpan patience) => Count(patience) || (_counter.WasCountedElsewhere && Advance(patience));

    private void Explain(string what, bool counted, bool masked)
    {
        if (!counted) _log.Warn($"{what}: the state before is not excluded yet by the hardware counter; it will be when that counts");
        if (!masked) _log.Warn($"{what}: older copies of the image can still be opened as before; this is mended by the next start");
    }

    private void Report()
    {
        if (_counter.IsUsed && _image.IsMasked)
            _log.Info($"older copies of the image are refused: hardware counter 0x{_image.CounterIndex:x8} stands at {_counter.Value}, NV area 0x{_image.NvramSlot:x8} masks the image's key");
        else
            _log.Warn($"NO FULL ROLLBACK PROTECTION: {(_setUp.Lacks.Length > 0 ? _setUp.Lacks : "it is switched off")}; whoever puts an older copy of the image back is not noticed{(_counter.IsUsed ? " by its key" : "")}");
    }
}
