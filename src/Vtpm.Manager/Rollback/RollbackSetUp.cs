using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// Gives an image that has none a counter and a mask. Stopped anywhere, it goes on at the next start: what it makes in the hardware TPM is found
/// again by the image's uuid, and opens to authorization values that are in the image before.
/// </summary>
internal sealed class RollbackSetUp(
    IRollbackHardware hardware, KeyMaskArea area, ManagerImage image, ImageCounter counter, ImageMask mask, ManagerLog log)
{
    /// <summary>So many indexes are tried: others may have areas too.</summary>
    private const int MostPlaces = 4;

    private readonly ImageName _name = ImageName.Of(image.Uuid);
    private readonly List<string> _lacks = [];

    /// <summary>What the image does without, and why.</summary>
    public string Lacks => string.Join("; ", _lacks);

    /// <summary>
    /// For an image that knows no counter: whether the hardware TPM knows better, so that this is a copy from before the image was protected.
    /// </summary>
    /// <param name="value">What the counter stands at, when there is one.</param>
    /// <exception cref="ManagerException">The hardware TPM does not say.</exception>
    public bool WasProtectedSince(out uint? value)
    {
        value = FindValue();
        if (image.IsMasked) return false;
        for (int i = 0; i < MostPlaces; i++)
        {
            RollbackAnswer<byte[]> answer = Told(area.Read(hardware.AreaIndex(_name.AreaNumber + i), image.NvramAuth));
            bool wasFinished = answer.Value is { } content && KeyMaskArea.WasFinished(content);
            CryptographicOperations.ZeroMemory(answer.Value);
            if (answer.Status != RollbackStatus.Refused) return wasFinished;
            // Somebody else's area; or this image's, which since has got a secret in the place of zeroes.
            if (value is not null && image.NvramAuth == default) return true;
        }

        return false;
    }

    /// <summary>What the counter of this image stands at, whatever the image knows of it; null when there is none.</summary>
    /// <exception cref="ManagerException">The hardware TPM does not say.</exception>
    public uint? FindValue() =>
        Told(hardware.FindCounter(_name.CounterLabel)) is { IsDone: true, Value: var found }
        && Told(hardware.ReadCounter(found, image.CounterAuth)) is { IsDone: true, Value: var value }
            ? value
            : null;

    /// <summary>For an image opened without its sealed keys, which name the counter: uses the one that this hardware TPM has for it.</summary>
    /// <returns>False when it has none.</returns>
    /// <exception cref="ManagerException">The hardware TPM does not say.</exception>
    public bool TryFindCounter()
    {
        RollbackAnswer<uint> found = Told(hardware.FindCounter(_name.CounterLabel));
        if (found.IsDone) image.SetCounter(found.Value, image.CounterAuth);
        return found.IsDone;
    }

    /// <summary>Makes what is missing, as far as the hardware TPM allows, and saves.</summary>
    /// <param name="mustCount">Without a counter nothing is saved.</param>
    /// <exception cref="ManagerException">There is none.</exception>
    public ManagerSave Make(bool mustCount)
    {
        _lacks.Clear();
        if (counter.IsUsed && image.IsMasked) return new(ManagerWrite.Saved, "");
        if (RenewSecrets() is { Write: not ManagerWrite.Saved } failure) return failure;
        if (!counter.IsUsed && !TryTakeCounter(out string reason)) _lacks.Add($"no counter ({reason})");
        if (mustCount && !counter.IsUsed)
        {
            image.Rollback();
            throw new ManagerException($"the restored image cannot be bound to the hardware TPM: {Lacks}. Nothing was changed");
        }

        if (!image.IsMasked && !TryTakeMask(out reason)) _lacks.Add($"no mask over the image's key ({reason})");
        ManagerSave save = mask.Save();
        if (save.Write == ManagerWrite.Saved && image.EarlierSealsRemain) save = image.Save();
        if (save.Write == ManagerWrite.Saved) mask.Finish();
        return save;
    }

    /// <summary>An image of the original may have zeroes there. They are on the disk before anything is made under them.</summary>
    private ManagerSave RenewSecrets()
    {
        if (counter.IsUsed || image.IsMasked || (image.CounterAuth != default && image.NvramAuth != default)) return new(ManagerWrite.Saved, "");
        image.SetCounter(0, Random());
        image.SetNvram(0, Random());
        return image.Save();
    }

    private bool TryTakeCounter(out string reason)
    {
        TpmAuthData auth = image.CounterAuth;
        if (hardware.FindCounter(_name.CounterLabel) is { IsDone: true, Value: var index } && hardware.ReadCounter(index, auth) is { IsDone: true, Value: var value })
        {
            reason = "";
            log.Warn("the hardware TPM has a counter for this image, of which it does not know: its making was interrupted, or this is a copy from before it. It is used from now on");
            counter.Take(index, auth, value);
            return true;
        }

        RollbackAnswer<HardwareCounter> made = hardware.CreateCounter(_name.CounterLabel, auth);
        reason = made.Reason;
        if (made.IsDone) counter.Take(made.Value.Index, auth, made.Value.Value);
        return made.IsDone;
    }

    private bool TryTakeMask(out string reason)
    {
        reason = "all of its places are taken";
        for (int i = 0; i < MostPlaces; i++)
        {
            uint index = hardware.AreaIndex(_name.AreaNumber + i);
            RollbackAnswer<byte[]> found = area.Read(index, image.NvramAuth);
            CryptographicOperations.ZeroMemory(found.Value);
            if (found.Status == RollbackStatus.Refused) continue;
            RollbackStatus status = found.Status;
            reason = found.Reason;
            if (status == RollbackStatus.Absent) (status, _, reason) = area.Define(index, image.NvramAuth);
            if (status == RollbackStatus.Done && mask.BeginFirst(index)) return true;
            return false;
        }

        return false;
    }

    // Busy is no word about what the TPM has: an older image is not to pass for a new one meanwhile.
    private static RollbackAnswer<T> Told<T>(RollbackAnswer<T> answer) => answer.Status != RollbackStatus.Busy
        ? answer
        : throw new ManagerException($"the hardware TPM does not say whether it knows the image ({answer.Reason}), which may be an old one. Start again when it does");

    private static TpmAuthData Random() => new(RandomNumberGenerator.GetBytes(TpmAuthData.Size));
}
