using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>
/// Looks at a vTPM's image without changing it: whether its slots have the form that a save gives them, and, by the hash that the manager keeps,
/// which one is live.
/// </summary>
public static class VtpmImageCheck
{
    private const int LengthSize = 4;
    private const int SlotCount = 2;

    /// <summary>Checks what the store holds.</summary>
    /// <param name="store">What holds the image; it is only read.</param>
    /// <param name="hashKey">
    /// What the manager keeps: <see cref="VtpmImage.HashSize"/> bytes of hash tell which slot is live, with the key behind them
    /// (<see cref="VtpmImage.HashKeySize"/> bytes or more) the state is decrypted too. Empty looks at the form alone.
    /// </param>
    /// <exception cref="IOException">The medium failed.</exception>
    public static ImageReport Run(IBlockStore store, ReadOnlySpan<byte> hashKey = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (hashKey.Length is not 0 and not VtpmImage.HashSize && hashKey.Length < VtpmImage.HashKeySize)
            throw new ArgumentException($"a hash has {VtpmImage.HashSize} bytes, key data at least {VtpmImage.HashKeySize}", nameof(hashKey));
        var findings = new List<ImageFinding>();
        var image = new VtpmImage(new ReadOnlyStore(store));
        if (image.Capacity == 0)
        {
            findings.Add(new(ImageFindingKind.Damage, $"the image has {store.Length} bytes; {VtpmImage.DefaultLength} are usual"));
            return new ImageReport(CheckedImage.Vtpm, false, findings);
        }

        if (image.IsBlank())
        {
            findings.Add(hashKey.IsEmpty
                ? new(ImageFindingKind.Note, "the image is blank: nothing was ever saved on it")
                : new(ImageFindingKind.Damage, "the image is blank, and the manager has a key for it: a wrong or wiped disk"));
            return new ImageReport(CheckedImage.Blank, true, findings);
        }

        int live = 0;
        for (int slot = 0; slot < SlotCount; slot++)
            if (CheckSlot(store, slot, image, hashKey, findings)) live++;
        if (hashKey.IsEmpty)
            findings.Add(new(ImageFindingKind.Note, "which slot is live, the manager's hash tells (--hash, --key-data): only the form was looked at"));
        else if (live == 0)
            findings.Add(new(ImageFindingKind.Damage, "neither slot is the state that the manager keeps the hash of: a wrong, older or damaged disk"));
        return new ImageReport(CheckedImage.Vtpm, hashKey.Length >= VtpmImage.HashKeySize && live > 0, findings);
    }

    /// <summary>Whether it is the live one.</summary>
    private static bool CheckSlot(IBlockStore store, int slot, VtpmImage image, ReadOnlySpan<byte> hashKey, List<ImageFinding> findings)
    {
        void Add(ImageFindingKind kind, string text) => findings.Add(new(kind, text) { Root = slot });
        Span<byte> prefix = stackalloc byte[LengthSize];
        store.Read(image.OffsetOf(slot), prefix);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix);
        if (length == 0)
        {
            Add(ImageFindingKind.Note, "nothing was saved in the slot");
            return false;
        }

        if (length < VtpmSlot.BlockSize || length > VtpmSlot.BlockSize + image.Capacity || length % VtpmSlot.BlockSize != 0)
        {
            Add(ImageFindingKind.Warning, $"the slot has a length of {length}, which no save writes: a save that was interrupted, or damage");
            return false;
        }

        var blob = new byte[length];
        store.Read(image.OffsetOf(slot) + LengthSize, blob);
        byte[] hash = SHA1.HashData(blob);
        uint clear = BinaryPrimitives.ReadUInt32BigEndian(blob.AsSpan(VtpmSlot.BlockSize - LengthSize));
        bool isPossible = clear <= length - VtpmSlot.BlockSize && clear + VtpmSlot.BlockSize > length - VtpmSlot.BlockSize;
        bool isLive = !hashKey.IsEmpty && CryptographicOperations.FixedTimeEquals(hash, hashKey[..VtpmImage.HashSize]);
        string form = $"a state of {clear} bytes, hash {Convert.ToHexStringLower(hash)}";
        if (!isPossible) Add(isLive ? ImageFindingKind.Damage : ImageFindingKind.Warning, $"{form}: its lengths contradict each other");
        else Add(ImageFindingKind.Note, hashKey.IsEmpty ? form : isLive ? $"{form}: the live one" : $"{form}: not the live one");
        if (isLive && isPossible && hashKey.Length >= VtpmImage.HashKeySize) CheckState(blob, hashKey[VtpmImage.HashSize..VtpmImage.HashKeySize], Add);
        return isLive;
    }

    // Behind the state a save leaves zeros: anything else, and the key is not the state's.
    private static void CheckState(byte[] blob, ReadOnlySpan<byte> key, Action<ImageFindingKind, string> add)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        byte[] padded = aes.DecryptCbc(blob.AsSpan(VtpmSlot.BlockSize), blob.AsSpan(0, VtpmSlot.BlockSize), PaddingMode.None);
        int clear = BinaryPrimitives.ReadInt32BigEndian(blob.AsSpan(VtpmSlot.BlockSize - LengthSize));
        bool isZero = !padded.AsSpan(clear).ContainsAnyExcept((byte)0);
        CryptographicOperations.ZeroMemory(padded);
        if (!isZero) add(ImageFindingKind.Damage, "what follows the state is not zero: the key is not the one that it was saved under");
    }
}
