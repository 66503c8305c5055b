using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>
/// A vTPM's disk image: two slots, one of them live. The manager keeps the live one's hash and key, so whatever the manager says is the truth.
/// </summary>
/// <remarks>
/// <code>
/// slot 0 at 0, slot 1 at half of the device:
/// UINT32 length || IV 16 (12 random || UINT32 clear length) || AES-256-CBC, padded with zeros
///                  `---- length bytes; SHA-1 of these is the hash -------------------------'
/// </code>
/// The order of a save: <see cref="Save"/> writes the slot that is not live, under a fresh key, and returns the hash and key only after the
/// barrier; the caller gives them to the manager (SAVEHASHKEY) and reports its answer with <see cref="Accept"/> or <see cref="Reject"/>. When the
/// answer was lost, neither is true: ask the manager (LOADHASHKEY) and <see cref="Load"/> again. Until then nothing more is written. A crash at
/// any moment leaves the slot that the manager points at untouched.
/// </remarks>
public sealed class VtpmImage(IBlockStore store)
{
    /// <summary>Size of a new image.</summary>
    public const long DefaultLength = 2 * 1024 * 1024;

    public const int HashSize = SHA1.HashSizeInBytes;

    /// <summary>SHA-1 hash and AES-256 key: what the manager keeps.</summary>
    public const int HashKeySize = HashSize + KeySize;

    /// <summary>No state is larger; bounds the work that a damaged length can cause on a large device.</summary>
    public const int MaxStateSize = 16 * 1024 * 1024;

    private const int KeySize = 32;
    private const int SlotCount = 2;
    private const int NoSlot = -1;

    // The original sees a block device, which has whole sectors; a file's odd rest is not used.
    private const int DeviceSector = 512;

    private readonly long _slotSize = store.Length / DeviceSector * DeviceSector / SlotCount;

    // The slot that the manager points at; null while unknown, NoSlot when there is none.
    private int? _live;
    private int? _pending;

    /// <summary>A save waits for <see cref="Accept"/> or <see cref="Reject"/>.</summary>
    public bool IsPending => _pending is not null;

    /// <summary>The largest state that a slot holds.</summary>
    public long Capacity => Math.Max(0, Math.Min(MaxStateSize, (_slotSize - VtpmSlot.Overhead) / VtpmSlot.BlockSize * VtpmSlot.BlockSize));

    /// <summary>
    /// Finds the state that belongs to the manager's hash and key, and so learns which slot is live. For a vTPM that the manager does not know,
    /// use <see cref="IsBlank"/> and <see cref="StartFresh"/>.
    /// </summary>
    public VtpmImageLoad Load(ReadOnlySpan<byte> hashKey)
    {
        (_live, _pending) = (null, null);
        if (hashKey.Length != HashKeySize)
            return Refuse(VtpmImageContent.BadHashKey,
                $"the manager gave {hashKey.Length} bytes of key data where a hash and key have {HashKeySize}");
        if (Capacity == 0) return Refuse(VtpmImageContent.TooSmall, $"the image has {store.Length} bytes; {DefaultLength} are usual");
        try
        {
            for (int slot = 0; slot < SlotCount; slot++)
            {
                byte[]? blob = VtpmSlot.ReadMatching(store, OffsetOf(slot), Capacity, hashKey[..HashSize]);
                if (blob is null) continue;
                if (!VtpmSlot.TryDecrypt(blob, hashKey[HashSize..], out byte[] state))
                    return Refuse(VtpmImageContent.Malformed,
                        $"slot {slot} has the hash that the manager keeps, but its lengths contradict each other");
                _live = slot;
                return new VtpmImageLoad(VtpmImageContent.Loaded, state, "");
            }

            return IsBlank()
                ? Refuse(VtpmImageContent.Blank, "the image is blank, but the manager has a key for it: a wrong or wiped disk; restore the right one")
                : Refuse(VtpmImageContent.NoMatch,
                    "neither slot is the state that the manager keeps the hash of: a wrong, older or damaged disk; restore the right one");
        }
        catch (IOException error)
        {
            return Refuse(VtpmImageContent.Unreadable, error.Message);
        }
    }

    /// <summary>Where a slot is.</summary>
    internal long OffsetOf(int slot) => slot * _slotSize;

    /// <summary>Whether every byte is zero.</summary>
    /// <exception cref="IOException">The medium failed.</exception>
    public bool IsBlank() => BlockRange.IsZero(store);

    /// <summary>Declares that whatever is here does not count: the next save may go to either slot. For a vTPM that is manufactured.</summary>
    public void StartFresh() => (_live, _pending) = (NoSlot, null);

    /// <summary>
    /// Makes <paramref name="state"/> durable in the slot that is not live, and only then puts hash and key into <paramref name="hashKey"/>
    /// (52 bytes; cleared unless written).
    /// </summary>
    public VtpmImageSave Save(ReadOnlySpan<byte> state, Span<byte> hashKey)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(hashKey.Length, HashKeySize);
        hashKey.Clear();
        if (_live is not { } live) return new(VtpmImageWrite.Undecided, "the live slot is not known: load, or start fresh, before saving");
        if (_pending is not null)
            return new(VtpmImageWrite.Undecided, "whether the manager took the last key is not known: ask it and load again before saving");
        if (state.Length > Capacity)
            return new(VtpmImageWrite.TooLarge, $"the state has {state.Length} bytes and a slot holds {Capacity}; use a larger image");

        int target = live == 0 ? 1 : 0;
        using var key = KeyBytes.Random(KeySize);
        byte[] slot = VtpmSlot.Encrypt(state, key.Span);
        try
        {
            store.Write(OffsetOf(target), slot);
            store.Flush();
        }
        catch (IOException error)
        {
            return new(VtpmImageWrite.Failed, error.Message);
        }

        VtpmSlot.Hash(slot, hashKey[..HashSize]);
        key.Span.CopyTo(hashKey[HashSize..]);
        _pending = target;
        return new(VtpmImageWrite.Written, "");
    }

    /// <summary>The manager has the new hash and key: the slot just written is the live one.</summary>
    public void Accept() => (_live, _pending) = (Pending(), null);

    /// <summary>The manager certainly does not have them (it answered an error): the live slot stays. Not for an answer that was lost.</summary>
    public void Reject()
    {
        Pending();
        _pending = null;
    }

    private static VtpmImageLoad Refuse(VtpmImageContent content, string reason) => new(content, [], reason);

    private int Pending() => _pending ?? throw new InvalidOperationException("no save is waiting for the manager's answer");
}
