using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The mask of the image's key, and how another one takes its place: the new one is written beside it, the image is saved under it until no root is
/// left under the old one, and then the old one is cleared. At every moment the area holds what the image needs.
/// </summary>
internal sealed class ImageMask(KeyMaskArea area, ManagerImage image, ManagerLog log)
{
    private byte[] _tag = [];
    private int _place;
    private bool _isReplacing;

    /// <summary>A mask that is no longer needed is still in the other place.</summary>
    public bool IsOldOneThere { get; private set; }

    /// <summary>
    /// Platforms that may open group 0 have changed since the mask was made: who was one of them before must not open older copies.
    /// </summary>
    public bool IsDue => image.IsMasked && !_tag.AsSpan().SequenceEqual(PlatformsTag());

    /// <summary>After opening: finds out which place is the image's.</summary>
    public void Find()
    {
        if (!image.IsMasked) return;
        RollbackAnswer<byte[]> answer = area.Read(image.NvramSlot, image.NvramAuth);
        if (answer.Value is not { } content)
            throw new ManagerException($"the mask of the image's key, there a moment ago, is not any more: {answer.Reason}");
        _place = image.IsMaskedBy(KeyMaskArea.MaskOf(content, 0)) ? 0 : 1;
        _tag = KeyMaskArea.TagOf(content, _place).ToArray();
        IsOldOneThere = !KeyMaskArea.IsCleared(content, 1 - _place);
        CryptographicOperations.ZeroMemory(content);
    }

    /// <summary>The image's first mask, in an area that is its own and holds none of its.</summary>
    public bool BeginFirst(uint index)
    {
        _place = 1;
        return Begin(index);
    }

    /// <summary>Writes a new mask beside the present one; the next save is under it.</summary>
    public bool Begin() => Begin(image.NvramSlot);

    /// <summary>
    /// Saves the image, under the mask that was begun if one was. Where that does not succeed, in whichever way, the image is under the mask that it
    /// had; what was written is of no use to anybody, and is written over the next time.
    /// </summary>
    public ManagerSave Save()
    {
        bool isSaved = false;
        try
        {
            ManagerSave save = image.Save();
            isSaved = save.Write == ManagerWrite.Saved;
            return save;
        }
        finally
        {
            if (isSaved && _isReplacing)
            {
                _place = 1 - _place;
                _tag = PlatformsTag();
                IsOldOneThere = true;
            }

            _isReplacing = false;
        }
    }

    /// <summary>
    /// After saves: ends the old mask if no root is left under it. What is left to do then is done by the next start at the latest, and nothing is
    /// lost meanwhile: the image is under one of the two.
    /// </summary>
    public void Finish()
    {
        if (!IsOldOneThere || image.EarlierSealsRemain || image.IsInDoubt) return;
        RollbackAnswer<uint> answer = Clear();
        IsOldOneThere = !answer.IsDone;
        if (IsOldOneThere) log.Error($"the mask before is still in the hardware TPM, and with it who could open an older copy of the image still can: {answer.Reason}");
    }

    // The save before has succeeded, whatever becomes of this.
    private RollbackAnswer<uint> Clear()
    {
        try
        {
            return area.Clear(image.NvramSlot, image.NvramAuth, 1 - _place);
        }
        catch (Exception e) when (e is TpmException or TpmTransportException or ManagerException)
        {
            return RollbackAnswer<uint>.No(RollbackStatus.Busy, e.Message);
        }
    }

    private bool Begin(uint index)
    {
        // A root of a failed save may be on the disk under what is about to be written over.
        if (!image.TrySettle(out string reason)) return Failed(reason);
        byte[] mask = RandomNumberGenerator.GetBytes(ManagerImage.MaskSize);
        try
        {
            RollbackAnswer<uint> answer = area.Write(index, image.NvramAuth, 1 - _place, mask, PlatformsTag());
            if (!answer.IsDone) return Failed(answer.Reason);
            image.SetNvram(index, image.NvramAuth, mask);
            return _isReplacing = true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(mask);
        }
    }

    private bool Failed(string reason)
    {
        log.Error($"the hardware TPM has not taken a new mask for the image's key: {reason}");
        return false;
    }

    private byte[] PlatformsTag()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (SealEntry platform in image.Groups[0].Platforms)
            hash.AppendData(WireFormat.ToBytes(platform with { DigestAtSeal = default, SealedData = new byte[SealEntry.SealedDataSize] }));
        return hash.GetHashAndReset()[..KeyMaskArea.TagSize];
    }
}
