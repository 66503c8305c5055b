using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Walks everything below one root whose sector has verified, and goes on behind a fault.</summary>
internal sealed class RootCheck(SectorDisk disk, Candidate candidate, Func<SealEntry, byte[]?> unseal, List<ImageFinding> findings)
{
    private readonly RootSector _root = candidate.Sector!.Value;
    private readonly Dictionary<Guid, int> _groups = [];
    private readonly Dictionary<Guid, int> _vtpms = [];
    private readonly Dictionary<uint, byte[]> _macs = [];
    private int? _group;
    private long _vtpmCount;

    /// <summary>What the root refers to.</summary>
    public SectorMap Used { get; } = new(disk.Count);

    public void Run()
    {
        foreach (uint sector in candidate.SealChain)
            if (!Used.TryUse(sector)) Damage("the sector of the seal list is used twice", sector);
        if (_root.GroupCount == 0 || _root.GroupCount > disk.Count)
        {
            Damage($"the root says that it has {_root.GroupCount} groups", ManagerImage.RootLocation(candidate.Root));
            return;
        }

        ReadRollbackMacs();
        Walk((int)_root.GroupCount, _root.GroupLocations, _root.GroupHashes, CheckGroup);
        _group = null;
        foreach (uint index in _macs.Keys.Where(index => index >= _root.GroupCount))
            Add(ImageFindingKind.Warning, $"there is a rollback MAC for group {index}, and {_root.GroupCount} groups", ManagerImage.RootLocation(candidate.Root));
        Add(ImageFindingKind.Note, $"save {_root.Sequence}: {_root.GroupCount} groups, {_vtpmCount} vTPMs", ManagerImage.RootLocation(candidate.Root));
    }

    private void Add(ImageFindingKind kind, string text, uint? sector) =>
        findings.Add(new ImageFinding(kind, text) { Root = candidate.Root, Group = _group, Sector = sector });

    private void Damage(string text, uint? sector) => Add(ImageFindingKind.Damage, text, sector);

    // Null, and a finding, when the location is impossible, used twice, or does not verify.
    private byte[]? Read(uint sector, string what)
    {
        if (sector < SectorDisk.FirstFree || sector >= disk.Count)
        {
            Damage($"{what} is to be in sector {sector}, which cannot be", null);
            return null;
        }

        if (!Used.TryUse(sector))
        {
            Damage($"{what} is in a sector that something else is in too", sector);
            return null;
        }

        var plain = new byte[SectorDisk.PlainSize];
        if (disk.TryRead(candidate.Keys.Key.Cipher, sector, plain)) return plain;
        Damage($"{what}: the sector's CMAC is wrong", sector);
        return null;
    }

    private byte[]? Read(in SectorReference reference, int hashedFrom, int hashed, string what)
    {
        if (Read(reference.Location, what) is not { } plain) return null;
        if (CryptographicOperations.FixedTimeEquals(SHA256.HashData(plain.AsSpan(hashedFrom, hashed)), reference.Hash)) return plain;
        Damage($"{what}: its hash is not the one that its parent has (an older sector, or a flipped counter)", reference.Location);
        return null;
    }

    // The children of a parent, with the tree sectors between; behind one that does not verify, its children are passed over.
    private void Walk(int count, uint[] locations, byte[] hashes, Action<int, SectorReference> child, int first = 0)
    {
        int span = (int)HashTree.Span(count, locations.Length);
        for (int i = 0; i * span < count; i++)
        {
            var reference = new SectorReference(locations[i], hashes.AsSpan(i * HashTree.HashSize, HashTree.HashSize).ToArray());
            int start = first + (i * span), size = Math.Min(span, count - (i * span));
            if (span == 1) child(start, reference);
            else if (Read(reference, sizeof(uint) * TreeSector.Width, HashTree.HashSize * TreeSector.Width, $"the tree for {start} to {start + size - 1}") is { } plain)
                Walk(size, SectorDisk.Parse<TreeSector>(plain).Locations, SectorDisk.Parse<TreeSector>(plain).Hashes, child, start);
        }
    }

    private void ReadRollbackMacs()
    {
        uint sector = ManagerImage.RootLocation(candidate.Root);
        Take(_root.RollbackMacs, _root.RollbackMacsHere, sector);
        (uint next, byte[] hash) = (_root.RollbackNext, _root.RollbackNextHash);
        while (next != 0)
        {
            if (Read(new SectorReference(next, hash), 0, SectorDisk.PlainSize, "the list of rollback MACs") is not { } plain) return;
            RollbackMacSector further = SectorDisk.Parse<RollbackMacSector>(plain);
            Take(further.Macs, further.MacsHere, next);
            (next, hash) = (further.Next, further.NextHash);
        }
    }

    private void Take(RollbackMac[] macs, uint count, uint sector)
    {
        if (count > macs.Length) Damage($"the list of rollback MACs says {count} where {macs.Length} have room", sector);
        foreach (RollbackMac entry in macs[..(int)Math.Min(count, macs.Length)])
            if (!_macs.TryAdd(entry.GroupIndex, entry.Mac)) Add(ImageFindingKind.Warning, $"group {entry.GroupIndex} has two rollback MACs", sector);
    }

    private void CheckGroup(int index, SectorReference reference)
    {
        _group = index;
        if (Read(reference, 0, GroupSector.HashArea, "the group") is not { } plain) return;
        GroupSector content = SectorDisk.Parse<GroupSector>(plain);
        if (!_groups.TryAdd(content.Uuid, index)) Damage($"its uuid {content.Uuid} is that of group {_groups[content.Uuid]} too", reference.Location);
        if (!CheckConfiguration(ref content, reference.Location)) return;
        using GroupKeys? keys = OpenKeys(content, plain, reference.Location);
        CheckRollback(content, keys, index, reference.Location);
        long pages = ((long)content.VtpmCount + VtpmSector.VtpmCount - 1) / VtpmSector.VtpmCount;
        if (pages > disk.Count)
        {
            Damage($"the group says that it has {content.VtpmCount} vTPMs", reference.Location);
            return;
        }

        _vtpmCount += content.VtpmCount;
        int left = (int)content.VtpmCount;
        Walk((int)pages, content.VtpmLocations, content.VtpmHashes, (page, child) => CheckPage(child, Math.Min(VtpmSector.VtpmCount, left - (page * VtpmSector.VtpmCount))));
    }

    private bool CheckConfiguration(ref GroupSector content, uint sector)
    {
        if (content.SealsUsed == 0) Add(ImageFindingKind.Warning, "it has no platform: nothing opens it", sector);
        if (!ConfigurationChain.IsNeeded(content)) return true;
        if (candidate.Version < SealListSector.LongListsVersion || content.SealsUsed > ManagerGroup.MaxPlatforms || content.KernelsUsed > ManagerGroup.MaxKernels)
        {
            Damage($"the group says that it has {content.SealsUsed} platforms and {content.KernelsUsed} kernels in an image of version {candidate.Version}", sector);
            return false;
        }

        uint last = sector;
        if (ConfigurationChain.TryRead(next => Read(last = next, "the configuration"), ref content, out _)) return true;
        Damage("where the configuration goes on does not verify", last);
        return false;
    }

    private GroupKeys? OpenKeys(in GroupSector content, byte[] plain, uint sector)
    {
        bool opens = false;
        for (int i = 0; i < content.SealsUsed; i++)
        {
            if (GroupKeys.From(unseal(content.Seals[i]), candidate.Keys.ManagerUuid) is not { } keys) continue;
            if (AesCmac.Verify(keys.GroupKey.Cipher, plain.AsSpan(0, GroupSector.MacArea), content.Mac)) return keys;
            keys.Dispose();
            opens = true;
        }

        if (opens) Damage("a seal entry opens, and the group does not verify under the key in it", sector);
        else Add(ImageFindingKind.Note, "it is closed on this platform: its own MAC and its vTPMs' keys cannot be verified here", sector);
        return null;
    }

    private void CheckRollback(in GroupSector content, GroupKeys? keys, int index, uint sector)
    {
        if ((content.Flags & ManagerGroup.RollbackFlag) != 0)
            Add(ImageFindingKind.Warning, "it is marked: an older state of it may have been put into a newer image, and its authority has not acknowledged it", sector);
        else if (keys is not null && !_macs.ContainsKey((uint)index))
            Add(ImageFindingKind.Warning, "the root has no rollback MAC for it: it will be marked when it is opened", sector);
        else if (keys is not null && !AesCmac.Verify(keys.RollbackMacKey.Cipher, candidate.MacArea, _macs[(uint)index]))
            Add(ImageFindingKind.Warning, "its rollback MAC does not fit the root: an older state of it may have been put into a newer image", sector);
    }

    private void CheckPage(SectorReference reference, int count)
    {
        if (Read(reference, 0, VtpmSector.Size, "the sector of vTPMs") is not { } plain) return;
        VtpmSector sector = SectorDisk.Parse<VtpmSector>(plain);
        foreach (VtpmHeader vtpm in sector.Headers.AsSpan(0, count))
        {
            if (!_vtpms.TryAdd(vtpm.Uuid, _group!.Value)) Damage($"vTPM {vtpm.Uuid} is in the image twice, in group {_vtpms[vtpm.Uuid]} too", reference.Location);
            if (vtpm.Flags > ushort.MaxValue) Add(ImageFindingKind.Warning, $"vTPM {vtpm.Uuid} has flags {vtpm.Flags:x8}, of which only the low 16 bits are kept", reference.Location);
        }
    }
}
