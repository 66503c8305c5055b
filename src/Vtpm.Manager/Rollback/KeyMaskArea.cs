using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The NV area that holds the mask of an image's key, in one of two places; the other one is for its successor. A place is a mask of 16 bytes and a
/// tag of 8, which says what the mask was made for. One that was never written is all 0xFF, one that was cleared is all zero.
/// </summary>
internal sealed class KeyMaskArea(IRollbackHardware hardware) : IKeyMasks
{
    public const int Places = 2;
    public const int TagSize = 8;
    public const int PlaceSize = ManagerImage.MaskSize + TagSize;
    public const int Size = Places * PlaceSize;

    IReadOnlyList<byte[]>? IKeyMasks.Read(uint slot, in TpmAuthData auth, out string reason)
    {
        RollbackAnswer<byte[]> answer = Read(slot, auth);
        // Busy after all patience: nothing to conclude anything from.
        if (answer.Status == RollbackStatus.Busy)
            throw new ManagerException($"the hardware TPM is too busy to give the mask of the image's key ({answer.Reason}); start again later");
        reason = answer.Reason;
        if (answer.Value is not { } content) return null;
        byte[][] masks = [.. Enumerable.Range(0, Places).Where(place => IsWritten(content, place)).Select(place => MaskOf(content, place).ToArray())];
        CryptographicOperations.ZeroMemory(content);
        return masks;
    }

    /// <summary>The whole area; zero it after use.</summary>
    public RollbackAnswer<byte[]> Read(uint index, in TpmAuthData auth) => hardware.ReadArea(index, auth, Size);

    public RollbackAnswer<uint> Define(uint index, in TpmAuthData auth)
    {
        RollbackAnswer<uint> defined = hardware.DefineArea(index, auth, Size);
        if (!defined.IsDone) return defined;
        // What a TPM puts into a new area, or into the rest of one that is written in part, is not left to it.
        byte[] unwritten = new byte[Size];
        Array.Fill(unwritten, (byte)0xFF);
        return hardware.WriteArea(index, auth, 0, unwritten);
    }

    public RollbackAnswer<uint> Write(uint index, in TpmAuthData auth, int place, ReadOnlySpan<byte> mask, ReadOnlySpan<byte> tag)
    {
        byte[] content = [.. mask, .. tag];
        RollbackAnswer<uint> answer = hardware.WriteArea(index, auth, place * PlaceSize, content);
        CryptographicOperations.ZeroMemory(content);
        return answer;
    }

    public RollbackAnswer<uint> Clear(uint index, in TpmAuthData auth, int place) =>
        hardware.WriteArea(index, auth, place * PlaceSize, new byte[PlaceSize]);

    public static ReadOnlySpan<byte> MaskOf(ReadOnlySpan<byte> content, int place) => content.Slice(place * PlaceSize, ManagerImage.MaskSize);

    public static ReadOnlySpan<byte> TagOf(ReadOnlySpan<byte> content, int place) =>
        content.Slice(place * PlaceSize + ManagerImage.MaskSize, TagSize);

    public static bool IsCleared(ReadOnlySpan<byte> content, int place) => !content.Slice(place * PlaceSize, PlaceSize).ContainsAnyExcept((byte)0);

    /// <summary>Whether an image has once come to be under a mask in this area: then no place is as it was in the beginning.</summary>
    public static bool WasFinished(ReadOnlySpan<byte> content)
    {
        for (int place = 0; place < Places; place++)
            if (!content.Slice(place * PlaceSize, PlaceSize).ContainsAnyExcept((byte)0xFF)) return false;
        return true;
    }

    private static bool IsWritten(ReadOnlySpan<byte> content, int place) =>
        MaskOf(content, place).ContainsAnyExcept((byte)0) && MaskOf(content, place).ContainsAnyExcept((byte)0xFF);
}
