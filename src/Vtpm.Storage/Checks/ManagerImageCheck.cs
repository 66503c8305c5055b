using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// Verifies a manager's image without changing it: everything that both roots refer to, and not only to the first fault. Without the hardware TPM it
/// can look at the seal lists alone, which are in clear.
/// </summary>
public sealed class ManagerImageCheck
{
    private const int RootCount = 2;

    private readonly ReadOnlyStore _store;
    private readonly SectorDisk _disk;
    private readonly IManagerSealer? _sealer;
    private readonly IKeyMasks? _masks;
    private readonly List<ImageFinding> _findings = [];
    private readonly Dictionary<string, byte[]?> _unsealed = [];
    private readonly SealListSector[] _lists = new SealListSector[RootCount];
    private readonly SectorMap?[] _used = new SectorMap?[RootCount];

    private ManagerImageCheck(ReadOnlyStore store, IManagerSealer? sealer, IKeyMasks? masks)
    {
        _store = store;
        _disk = new SectorDisk(store);
        _sealer = sealer;
        _masks = masks;
    }

    /// <summary>Whether the store begins as a manager's image does, in either seal list.</summary>
    /// <exception cref="IOException">The medium failed.</exception>
    public static bool IsManagerImage(IBlockStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        Span<byte> magic = stackalloc byte[SealListSector.ExpectedMagic.Length];
        for (int root = 0; root < RootCount && (root * SectorDisk.SectorSize) + magic.Length <= store.Length; root++)
        {
            store.Read(root * SectorDisk.SectorSize, magic);
            if (magic.SequenceEqual(SealListSector.ExpectedMagic)) return true;
        }

        return false;
    }

    /// <summary>Checks what the store holds. Exceptions of sealer and masks pass.</summary>
    /// <param name="store">What holds the image; it is only read.</param>
    /// <param name="sealer">What opens its keys; null looks at what is in clear.</param>
    /// <param name="masks">Where a mask may be that lies over the image's key.</param>
    public static ImageReport Run(IBlockStore store, IManagerSealer? sealer = null, IKeyMasks? masks = null)
    {
        var check = new ManagerImageCheck(new ReadOnlyStore(store), sealer, masks);
        bool isWhole = check.Run();
        foreach (byte[]? plain in check._unsealed.Values) CryptographicOperations.ZeroMemory(plain);
        return new ImageReport(CheckedImage.Manager, isWhole, check._findings);
    }

    private bool Run()
    {
        if (_disk.Count < ManagerImage.SmallestSectors)
        {
            Add(ImageFindingKind.Damage, ManagerImageReader.TooSmall(_store));
            return false;
        }

        for (int root = 0; root < RootCount; root++) CheckSealList(root);
        if (_sealer is null)
        {
            Add(ImageFindingKind.Note, "without the hardware TPM (tpmdriver=) the roots and all below them stay closed: only the seal lists were looked at");
            return false;
        }

        ulong?[] sequences = [CheckRoot(0), CheckRoot(1)];
        if (sequences is [{ } first, { } second] && first == second)
            Add(ImageFindingKind.Note, $"both roots have save {first}: damage in one of them would cost nothing");
        CountSectors();
        return Conclude();
    }

    // What a manager would make of it.
    private bool Conclude()
    {
        ManagerOpen open = ManagerImage.Open(_store, new Remembering(this), _masks);
        using ManagerImage? image = open.Image;
        if (image is null)
            Add(ImageFindingKind.Damage, $"a manager refuses the image here: {open.Reason}");
        else
            Add(open.Reason.Length > 0 ? ImageFindingKind.Damage : ImageFindingKind.Note,
                $"a manager opens root {image.LiveRoot} here, save {image.Sequence}: {image.Groups.Count} groups, {image.Groups.Sum(group => group.VtpmCount)} vTPMs, format version {image.FormatVersion}"
                + (open.Reason.Length > 0 ? $", and warns: {open.Reason}" : ""));
        return image is not null && image.Groups.All(group => group.IsOpen);
    }

    private void Add(ImageFindingKind kind, string text, int? root = null, uint? sector = null) =>
        _findings.Add(new ImageFinding(kind, text) { Root = root, Sector = sector });

    private SealListSector ReadSealList(uint sector)
    {
        var bytes = new byte[SectorDisk.SectorSize];
        _disk.ReadClear(sector, bytes);
        return SectorDisk.Parse<SealListSector>(bytes);
    }

    private void CheckSealList(int root)
    {
        SealListSector list = _lists[root] = ReadSealList((uint)root);
        if (!list.Magic.AsSpan().SequenceEqual(SealListSector.ExpectedMagic))
        {
            bool isEmpty = !WireFormat.ToBytes(list).AsSpan().ContainsAnyExcept((byte)0);
            if (isEmpty) Add(ImageFindingKind.Note, "the seal list is empty, as before the second save", root, (uint)root);
            else Add(ImageFindingKind.Damage, "the seal list does not begin as one does", root, (uint)root);
            return;
        }

        if (list.Version > SealListSector.CurrentVersion)
        {
            Add(ImageFindingKind.Damage, $"format version {list.Version}, and known are up to {SealListSector.CurrentVersion}: use the newer program, or the number is damaged", root, (uint)root);
            return;
        }

        CheckEntries(root, list);
    }

    private void CheckEntries(int root, SealListSector list)
    {
        var seen = new HashSet<PlatformConfiguration>();
        var sectors = new HashSet<uint>();
        uint sector = (uint)root;
        int count = 0;
        while (true)
        {
            if (list.Length > SealListSector.EntryCount)
            {
                Add(ImageFindingKind.Damage, $"the seal list says that it has {list.Length} entries in a sector that holds {SealListSector.EntryCount}", root, sector);
                return;
            }

            for (int i = 0; i < list.Length; i++, count++) CheckEntry(list.Entries[i], count, seen, root, sector);
            if (list.Next == 0) break;
            if (list.Next < SectorDisk.FirstFree || list.Next >= _disk.Count || !sectors.Add(list.Next))
            {
                Add(ImageFindingKind.Damage, $"the seal list goes on in sector {list.Next}, which cannot be", root, sector);
                return;
            }

            sector = list.Next;
            list = ReadSealList(sector);
        }

        if (count == 0) Add(ImageFindingKind.Damage, "the seal list has no entry: no platform can open the root", root, (uint)root);
        else Add(ImageFindingKind.Note, $"seal list of format version {_lists[root].Version} with {count} platforms", root, (uint)root);
    }

    private void CheckEntry(SealEntry entry, int index, HashSet<PlatformConfiguration> seen, int root, uint sector)
    {
        if (entry.PcrMask >> 24 != 0) Add(ImageFindingKind.Damage, $"seal entry {index} names PCRs that there are not: mask {entry.PcrMask:x8}", root, sector);
        if (!entry.SealedData.AsSpan().ContainsAnyExcept((byte)0)) Add(ImageFindingKind.Damage, $"seal entry {index} has nothing sealed in it", root, sector);
        if (!seen.Add(new(entry.PcrMask, entry.DigestRelease))) Add(ImageFindingKind.Warning, $"seal entry {index} is for a platform that another one is for", root, sector);
    }

    /// <summary>The root's sequence, when it verifies.</summary>
    private ulong? CheckRoot(int root)
    {
        uint sector = ManagerImage.RootLocation(root);
        var bytes = new byte[SectorDisk.SectorSize];
        _disk.ReadClear(sector, bytes);
        if (!bytes.AsSpan().ContainsAnyExcept((byte)0))
        {
            Add(ImageFindingKind.Note, "the root is empty: before its first save, or withdrawn because a save failed", root, sector);
            return null;
        }

        var reader = new ManagerImageReader(_store, new Remembering(this), _masks);
        Candidate? candidate = null;
        try
        {
            candidate = reader.FindRoot(root, _lists[root]);
            if (candidate is null)
            {
                Add(ImageFindingKind.Warning, "no entry of the seal list opens on this platform: nothing of the root can be verified here", root, sector);
                return null;
            }

            if (candidate.Sector is not { } content)
            {
                Add(ImageFindingKind.Damage, "the root sector does not verify under the key that its seal list gives (or the mask over the key is not to be had)", root, sector);
                return null;
            }

            var walk = new RootCheck(_disk, candidate, Unseal, _findings);
            walk.Run();
            _used[root] = walk.Used;
            return content.Sequence;
        }
        finally
        {
            candidate?.Keys.Dispose();
            reader.Dispose();
        }
    }

    private void CountSectors()
    {
        int shared = 0, either = 0;
        for (uint sector = SectorDisk.FirstFree; sector < _disk.Count; sector++)
        {
            bool first = _used[0]?[sector] == true, second = _used[1]?[sector] == true;
            if (first || second) either++;
            if (first && second) shared++;
        }

        Add(ImageFindingKind.Note, $"{_disk.Count} sectors: {either} in use, {shared} of them by both roots, {_disk.Count - SectorDisk.FirstFree - either} free");
    }

    // The hardware TPM is slow: it is asked once for each entry, however often the check needs the answer.
    private byte[]? Unseal(SealEntry entry)
    {
        string name = Convert.ToHexString(WireFormat.ToBytes(entry));
        if (!_unsealed.TryGetValue(name, out byte[]? plain)) _unsealed[name] = plain = _sealer!.Unseal(entry);
        return plain;
    }

    private sealed class Remembering(ManagerImageCheck check) : IManagerSealer
    {
        // A copy: whoever asks zeroes it.
        public byte[]? Unseal(SealEntry entry) => (byte[]?)check.Unseal(entry)?.Clone();

        public SealEntry? Seal(PlatformConfiguration platform, ReadOnlySpan<byte> secret) => null;
    }
}
