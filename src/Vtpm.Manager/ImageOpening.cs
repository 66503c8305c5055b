using Vtpm.Storage;

namespace Vtpm.Manager;

/// <summary>
/// Opens the manager's image at the start, or says why not. A fresh image is made where there never was one, and else only when told to: the keys of
/// all vTPMs are in it.
/// </summary>
internal static class ImageOpening
{
    /// <exception cref="ManagerException">It does not open; the message says what happened and what the choices are.</exception>
    public static ManagerImage Open(ManagerOptions options, IBlockStore store, IHardwareTpm hardware, IKeyMasks masks, ManagerLog log)
    {
        ManagerOpen open = ManagerImage.Open(store, hardware, masks);
        string[] faults = hardware.TakeUnsealFaults();
        if (options.RecoveryKey is { } key) return Recover(open, key, store, hardware, log);
        switch (open.Content)
        {
            case ManagerImageContent.Opened:
                if (options.CreateFresh)
                    log.Info("the image opens, so it stays: a fresh one is made only in place of one that does not (wipe the file to start anew)");
                return Opened(open, log);
            case ManagerImageContent.Blank:
                log.Info($"the image is blank: A NEW ONE IS MADE; it is written when the manager is provisioned");
                return ManagerImage.Create(store, hardware);
            case ManagerImageContent.NeverSaved:
                // Nothing was acknowledged that could be lost.
                log.Warn($"{open.Reason}: A NEW ONE IS MADE; it is written when the manager is provisioned");
                return ManagerImage.Create(store, hardware);
            case not (ManagerImageContent.TooSmall or ManagerImageContent.Unreadable) when options.CreateFresh:
                log.Warn($"{open.Reason}: A FRESH IMAGE TAKES ITS PLACE, as was asked for; every key in the old one is lost");
                return ManagerImage.Create(store, hardware);
            default:
                throw new ManagerException(Refusal(open, faults));
        }
    }

    // No fresh image: who gives the key wants what is in this one.
    private static ManagerImage Recover(ManagerOpen open, ManagerRecoveryKey key, IBlockStore store, IHardwareTpm hardware, ManagerLog log)
    {
        if (open.Content == ManagerImageContent.Opened)
        {
            log.Warn("the image opens without the recovery key, which was not used: delete it, and start without it");
            return Opened(open, log);
        }

        ManagerOpen recovered = ManagerImage.Recover(store, hardware, key);
        hardware.TakeUnsealFaults();   // of other groups, which say for themselves that they stay closed
        if (recovered.Content != ManagerImageContent.Opened)
            throw new ManagerException(
                $"the manager's image does not open, and not by the recovery key either: {recovered.Reason}. Nothing was changed. Choices: take the "
                + $"escrow that was made last for this image (this one is of manager {key.ManagerUuid}); or restore a copy of the image");
        log.Warn($"NO SEAL OPENS THE IMAGE ({open.Reason}): IT WAS OPENED BY THE RECOVERY KEY");
        log.Warn(
            "group 0 is served; each start needs the recovery key again UNTIL THE AUTHORITY APPROVES THE PRESENT PLATFORM (group-update 0)");
        return Opened(recovered, log);
    }

    private static ManagerImage Opened(ManagerOpen open, ManagerLog log)
    {
        ManagerImage image = open.Image!;
        if (open.Reason.Length > 0) log.Warn(open.Reason);
        log.Info(
            $"image {image.Uuid} opened: {image.Groups.Count} groups, {image.Groups.Sum(group => group.VtpmCount)} vTPMs, save {image.Sequence}");
        foreach (ManagerGroup group in image.Groups)
        {
            if (!group.IsOpen) log.Warn($"group {group.Index} ({group.Uuid}) stays closed: the present PCRs are no platform of its");
            if (group.RollbackDetected) log.Warn($"group {group.Index} ({group.Uuid}): an older state of it may have been put into this image");
        }

        return image;
    }

    private static string Refusal(ManagerOpen open, string[] faults)
    {
        string happened = faults.Length == 0 ? open.Reason : $"{open.Reason}. In detail: {string.Join("; ", faults)}";
        string choices = open.Content switch
        {
            ManagerImageContent.CannotUnseal or ManagerImageContent.GroupZeroClosed =>
                "start the machine in a configuration that was approved (the same firmware and settings), with the hardware TPM, owner and tpmlocality= it was sealed by; or restore a copy of the image that was made for this configuration",
            ManagerImageContent.KeyMaskGone =>
                "restore the image from a copy, one made since group 0 was last given other platforms and on the machine whose hardware TPM this is: what is older, nobody can open any more",
            ManagerImageContent.Damaged => "restore the image from a copy",
            ManagerImageContent.NotAnImage => "correct the image's name",
            ManagerImageContent.NewerVersion => "use the newer manager",
            ManagerImageContent.TooSmall => $"use an image of {ManagerImage.DefaultLength} bytes",
            _ => "look after the medium, then start again",
        };
        string fresh = open.Content is ManagerImageContent.TooSmall or ManagerImageContent.Unreadable
            ? ""
            : "; or let a fresh image take its place (--manufacture), by which every vTPM loses its key and with it its state";
        return $"the manager's image does not open: {happened}. Nothing was changed. Choices: {choices}{fresh}.";
    }
}
