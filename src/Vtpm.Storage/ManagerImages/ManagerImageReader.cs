using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Finds the newest root that opens and verifies with all it refers to.</summary>
/// <remarks>With a recovery key no seal is asked for the keys of image and group 0; which root is the newest that is whole shows as ever.</remarks>
internal sealed class ManagerImageReader(
    IBlockStore store, IManagerSealer sealer, IKeyMasks? masks, ManagerRecoveryKey? recovery = null) : IDisposable
{
    private const int RootCount = 2;
    private const int LongestSealList = 100;

    // Beyond it is no version, but damage.
    private const uint MostPlausibleVersion = 0xFFFF;

    private const string WrongRecoveryKey =
        "no root of the image opens by the recovery key: it is another image's, or from before this one got another (or both roots are damaged)";

    private const string WrongGroupKey = "the recovery key is the image's, but not group 0's: it is from before that was given other keys";

    private readonly SectorDisk _disk = new(store);
    private readonly Dictionary<string, byte[]?> _unsealed = [];
    private readonly List<string> _faults = [];
    private readonly List<Candidate> _candidates = [];
    private readonly RootMasks _masks = new(masks);
    private Candidate? _taken;

    public static string TooSmall(IBlockStore store) => $"the image has {store.Length} bytes; {ManagerImage.DefaultLength} are usual";

    public ManagerOpen Open()
    {
        if (_disk.Count < ManagerImage.SmallestSectors) return Refuse(ManagerImageContent.TooSmall, TooSmall(store));
        try
        {
            // A manager that was killed may have written what no barrier has made durable: what is read from here on is on the disk.
            store.Flush();
            SealListSector[] lists = [ReadSealList(0), ReadSealList(1)];
            if (Classify(lists) is { } refusal) return refusal;

            for (int root = 0; root < RootCount; root++)
            {
                if (FindKeys(root, lists[root]) is { } candidate) _candidates.Add(candidate);
                else if (IsUsable(lists[root]) && lists[root].Length > 0) _faults.Add($"root {root} is sealed for another configuration");
                else if (!IsUsable(lists[root]) && !IsEmpty(lists[root])) _faults.Add($"the seal list of root {root} does not begin as one does");
            }

            // Not the other root instead, which may be an older state under no mask, or under one that is there.
            if (_masks.Fault is { } fault) return Refuse(ManagerImageContent.KeyMaskGone, fault);
            return _candidates.Count == 0
                ? Refuse(ManagerImageContent.CannotUnseal,
                    "no seal entry of the image opens: start in a configuration that group 0 admits, with the hardware TPM it was sealed by")
                : OpenNewest(WireFormat.ToBytes(lists[0]).AsSpan().SequenceEqual(WireFormat.ToBytes(lists[1])));
        }
        catch (IOException error)
        {
            // An older root is not taken instead: what cannot be read now may be the newer state.
            return Refuse(ManagerImageContent.Unreadable, error.Message);
        }
    }

    /// <summary>A root whose seal list opens, for a check; its keys are the caller's.</summary>
    public Candidate? FindRoot(int root, SealListSector list) => FindKeys(root, list);

    public void Dispose()
    {
        foreach (byte[]? plain in _unsealed.Values) CryptographicOperations.ZeroMemory(plain);
        foreach (Candidate candidate in _candidates)
            if (candidate != _taken) candidate.Keys.Dispose();
        _masks.Dispose();
    }

    private static ManagerOpen Refuse(ManagerImageContent content, string reason) => new(content, null, reason);

    private static bool HasMagic(in SealListSector list) => list.Magic.AsSpan().SequenceEqual(SealListSector.ExpectedMagic);

    private static bool IsUsable(SealListSector list) => HasMagic(list) && list.Version <= SealListSector.CurrentVersion;

    // As the other root's is before the second save.
    private static bool IsEmpty(SealListSector list) => !WireFormat.ToBytes(list).AsSpan().ContainsAnyExcept((byte)0);

    private SealListSector ReadSealList(uint sector)
    {
        var bytes = new byte[SectorDisk.SectorSize];
        _disk.ReadClear(sector, bytes);
        return SectorDisk.Parse<SealListSector>(bytes);
    }

    // Null when there is at least one seal list to try.
    private ManagerOpen? Classify(SealListSector[] lists)
    {
        // Either root: an older one beside it would be an older state.
        int newer = Array.FindIndex(lists, list => HasMagic(list) && list.Version is > SealListSector.CurrentVersion and <= MostPlausibleVersion);
        if (newer >= 0)
        {
            return Refuse(
                ManagerImageContent.NewerVersion,
                $"root {newer} of the image has format version {lists[newer].Version} and this manager knows up to {SealListSector.CurrentVersion}; use the newer manager");
        }

        if (lists.Any(IsUsable) || (recovery is not null && !_disk.IsZero())) return RootsAreZero() ? NeverSaved() : null;
        return _disk.IsZero()
            ? Refuse(ManagerImageContent.Blank, "the image is blank")
            : Refuse(ManagerImageContent.NotAnImage, "this is no manager's image: check the name; a disk to be reused has to be wiped first");
    }

    private static ManagerOpen NeverSaved() => Refuse(
        ManagerImageContent.NeverSaved,
        "the first save of this image was interrupted, or both of its roots were wiped: if it was never in use, wipe it and start anew");

    private bool RootsAreZero()
    {
        var root = new byte[SectorDisk.SectorSize];
        for (uint sector = RootCount; sector < RootCount * 2; sector++)
        {
            _disk.ReadClear(sector, root);
            if (root.AsSpan().ContainsAnyExcept((byte)0)) return false;
        }

        return true;
    }

    // The first entry that opens, of a list that may go on in other sectors.
    private Candidate? FindKeys(int root, SealListSector list)
    {
        if (recovery is not null) return ReadRoot(recovery, root, list);
        if (!IsUsable(list)) return null;
        SealEntry[] entries = ReadEntries(list, out List<uint> chain, out bool isWhole);
        foreach (SealEntry entry in entries)
        {
            if (Unseal(entry) is not { } plain || WireFormat.Read(plain, out SealedRoot sealedRoot) != TpmResult.Success) continue;
            if (!sealedRoot.Magic.AsSpan().SequenceEqual(SealedRoot.ExpectedMagic)) continue;
            return ReadRoot(root, sealedRoot, list.Version, isWhole ? entries : null, chain);
        }

        return null;
    }

    private SealEntry[] ReadEntries(SealListSector list, out List<uint> chain, out bool isWhole)
    {
        var entries = new List<SealEntry>();
        chain = [];
        isWhole = false;
        while (list.Length <= SealListSector.EntryCount)
        {
            entries.AddRange(list.Entries.AsSpan(0, (int)list.Length));
            isWhole = list.Next == 0;
            if (list.Next < SectorDisk.FirstFree || list.Next >= _disk.Count || chain.Count == LongestSealList) break;
            chain.Add(list.Next);
            list = ReadSealList(list.Next);
        }

        return [.. entries];
    }

    // The two lists are mostly the same: the hardware TPM, which is slow, is asked once for each entry.
    private byte[]? Unseal(SealEntry entry)
    {
        string name = Convert.ToHexString(WireFormat.ToBytes(entry));
        if (!_unsealed.TryGetValue(name, out byte[]? plain)) _unsealed[name] = plain = sealer.Unseal(entry);
        return plain;
    }

    private Candidate ReadRoot(int root, in SealedRoot sealedRoot, uint version, SealEntry[]? seals, List<uint> chain)
    {
        var plain = new byte[SectorDisk.PlainSize];
        ImageKeys keys = _masks.Unmask(sealedRoot, key => _disk.TryRead(key, (uint)(RootCount + root), plain), out bool verified);
        return new Candidate(root, keys, version, seals, chain, verified ? SectorDisk.Parse<RootSector>(plain) : null, plain);
    }

    // The seals, of a hardware TPM that may be gone, play no part, nor does what is damaged in their lists.
    private Candidate ReadRoot(ManagerRecoveryKey key, int root, SealListSector list)
    {
        var plain = new byte[SectorDisk.PlainSize];
        ImageKeys keys = key.ToImageKeys();
        bool verified = _disk.TryRead(keys.Key.Cipher, (uint)(RootCount + root), plain);
        uint version = IsUsable(list) ? list.Version : SealListSector.CurrentVersion;
        return new Candidate(root, keys, version, Seals: null, SealChain: [], verified ? SectorDisk.Parse<RootSector>(plain) : null, plain);
    }

    private ManagerOpen OpenNewest(bool sameSeals)
    {
        if (recovery is not null && _candidates.All(candidate => candidate.Sector is null))
            return Refuse(ManagerImageContent.WrongRecoveryKey, WrongRecoveryKey);
        foreach (Candidate candidate in _candidates)
            if (candidate.Sector is null) _faults.Add($"root {candidate.Root} does not verify");
        foreach (Candidate candidate in _candidates.OrderByDescending(candidate => candidate.Sector?.Sequence))
        {
            if (candidate.Sector is null) continue;
            using var loader = new RootLoader(_disk, candidate, sealer, Unseal, recovery);
            string? fault = loader.TryLoad();
            if (fault is null)
            {
                _taken = candidate;
                ManagerImage image = loader.TakeImage(sameSeals);
                image.HasTwin = _candidates.All(other => other.Sector is not null && other.Plain.AsSpan().SequenceEqual(candidate.Plain)) && _candidates.Count == RootCount;
                return new(ManagerImageContent.Opened, image, Warning(candidate));
            }

            // Not the older root instead: the newer state is there, whole, and would be lost.
            if (fault == RootLoader.GroupZeroIsClosed)
            {
                return recovery is null
                    ? Refuse(ManagerImageContent.GroupZeroClosed, fault)
                    : Refuse(ManagerImageContent.WrongRecoveryKey, WrongGroupKey);
            }

            _faults.Add($"root {candidate.Root} does not verify: {fault}");
        }

        // A mask that is gone and a root that is damaged look the same; when no root at all verifies, it is hardly the disk.
        if (_candidates.All(candidate => candidate is { Sector: null, Keys.NvramSlot: not 0 }))
            return Refuse(ManagerImageContent.KeyMaskGone,
                "the hardware TPM holds none of the masks that the image's key is sealed under: since this image was saved, group 0 was given other platforms or the image another key (or both of its roots are damaged)");
        return Refuse(ManagerImageContent.Damaged, $"the image is damaged ({string.Join("; ", _faults)}); restore it from a copy");
    }

    private string Warning(Candidate taken) => _faults.Count == 0 ? "" : $"{string.Join("; ", _faults)}; the state of root {taken.Root} was taken";
}

/// <summary>A root whose seal list opens. The seals are null when they are not all there, the sector when it does not verify.</summary>
internal sealed record Candidate(int Root, ImageKeys Keys, uint Version, SealEntry[]? Seals, List<uint> SealChain, RootSector? Sector, byte[] Plain)
{
    /// <summary>What the rollback MACs are over.</summary>
    public byte[] MacArea { get; } = Plain[..RootSector.MacArea];
}
