using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Loads and verifies everything below one root.</summary>
internal sealed class RootLoader(
    SectorDisk disk, Candidate candidate, IManagerSealer sealer, Func<SealEntry, byte[]?> unseal, ManagerRecoveryKey? recovery) : IDisposable
{
    public const string GroupZeroIsClosed =
        "the image opens, but group 0 does not: its seals are for another configuration; start in the one it was saved in";

    private readonly SectorMap _map = new(disk.Count);
    private readonly RootSector _root = candidate.Sector!.Value;
    private readonly ManagerImage _image = new(disk, sealer, candidate.Keys);
    private bool _taken;

    /// <summary>The loaded image, from now on the caller's.</summary>
    /// <param name="sameSeals">The other root has the same seal list, which so need not be written for the next save.</param>
    public ManagerImage TakeImage(bool sameSeals)
    {
        _taken = true;
        _image.RootSealsOnDisk[1 - candidate.Root] = sameSeals && _image.RootSeals is not null;
        _image.VersionOnDisk.AsSpan().Fill(candidate.Version);
        return _image;
    }

    public void Dispose()
    {
        if (!_taken) _image.Dispose();
    }

    /// <summary>Null when loaded; else what is wrong.</summary>
    public string? TryLoad()
    {
        foreach (uint sector in candidate.SealChain)
            if (!_map.TryUse(sector)) return $"sector {sector} of the seal list is used twice";
        if (_root.GroupCount == 0 || _root.GroupCount > disk.Count) return $"root {candidate.Root} has {_root.GroupCount} groups";

        var references = new List<SectorReference>();
        if (!HashTree.TryRead(Read, (int)_root.GroupCount, _root.GroupLocations, _root.GroupHashes, references, out HashTree? tree))
            return "a tree of groups does not verify";
        foreach (SectorReference reference in references)
            if (LoadGroup(reference) is { } fault) return fault;
        if (!_image.Groups[0].IsOpen) return GroupZeroIsClosed;

        List<uint> annexes = [];
        if (!TryReadRollbackMacs(annexes, out Dictionary<uint, byte[]> macs)) return "the list of rollback MACs does not verify";
        CheckRollbackMacs(macs);
        _image.SetRoot(candidate.Root, _root, _map);
        _image.Tree = tree;
        if (TryAdoptSeals()) _image.SealChain = candidate.SealChain;
        else annexes.AddRange(candidate.SealChain);
        _image.Annexes = annexes;
        if (recovery is not null) _image.Groups[0].SetRecovered();
        return null;
    }

    private static bool HashMatches(ReadOnlySpan<byte> bytes, byte[] hash) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(bytes), hash);

    // A plaintext of its own for each sector; null when the location is impossible, used twice, or does not verify.
    private byte[]? Read(uint sector)
    {
        if (!_map.TryUse(sector)) return null;
        var plain = new byte[SectorDisk.PlainSize];
        return disk.TryRead(candidate.Keys.Key.Cipher, sector, plain) ? plain : null;
    }

    private string? LoadGroup(SectorReference reference)
    {
        if (Read(reference.Location) is not { } plain || !HashMatches(plain.AsSpan(0, GroupSector.HashArea), reference.Hash))
            return $"the group in sector {reference.Location} does not verify";
        GroupSector content = SectorDisk.Parse<GroupSector>(plain);
        if (!IsPossible(content))
            return $"the group in sector {reference.Location} has {content.SealsUsed} platforms and {content.KernelsUsed} kernels";
        ConfigurationChain? chain = ConfigurationChain.None;
        if (ConfigurationChain.IsNeeded(content) && !ConfigurationChain.TryRead(Read, ref content, out chain))
            return $"the configuration of the group in sector {reference.Location} does not verify";
        long pages = ((long)content.VtpmCount + VtpmSector.VtpmCount - 1) / VtpmSector.VtpmCount;
        if (pages > disk.Count) return $"the group in sector {reference.Location} has {content.VtpmCount} vTPMs";

        if (!TryOpenKeys(content, plain, out GroupKeys? keys)) return $"the group in sector {reference.Location} does not verify under its own key";
        var group = new ManagerGroup(_image, content, keys);
        bool loaded = TryLoadVtpms(group, content, (int)pages, out HashTree? tree, out string fault);
        _image.Adopt(group);   // in any case, so that its keys end with the image
        if (!loaded) return fault;
        group.SetDisk(reference, tree!, chain, content);
        return null;
    }

    private bool IsPossible(in GroupSector content) => candidate.Version >= SealListSector.LongListsVersion
        ? content.SealsUsed <= ManagerGroup.MaxPlatforms && content.KernelsUsed <= ManagerGroup.MaxKernels
        : !ConfigurationChain.IsNeeded(content);

    // No keys when no seal opens: the group stays closed. False when one opens and its keys are not the group's.
    private bool TryOpenKeys(in GroupSector content, byte[] plain, out GroupKeys? keys)
    {
        if (recovery is not null && _image.Groups.Count == 0)
        {
            keys = recovery.TryOpen(content, plain);
            return true;
        }

        bool opens = false;
        for (int i = 0; i < content.SealsUsed; i++)
        {
            keys = GroupKeys.From(unseal(content.Seals[i]), _image.Uuid);
            if (keys is null) continue;
            if (AesCmac.Verify(keys.GroupKey.Cipher, plain.AsSpan(0, GroupSector.MacArea), content.Mac)) return true;
            keys.Dispose();
            opens = true;
        }

        keys = null;
        return !opens;
    }

    private bool TryLoadVtpms(ManagerGroup group, in GroupSector content, int pages, [NotNullWhen(true)] out HashTree? tree, out string fault)
    {
        var references = new List<SectorReference>();
        fault = $"a tree of vTPMs of group {group.Uuid} does not verify";
        if (!HashTree.TryRead(Read, pages, content.VtpmLocations, content.VtpmHashes, references, out tree)) return false;
        int left = (int)content.VtpmCount;
        foreach (SectorReference reference in references)
        {
            fault = $"the vTPMs in sector {reference.Location} do not verify";
            if (Read(reference.Location) is not { } plain || !HashMatches(plain.AsSpan(0, VtpmSector.Size), reference.Hash)) return false;
            AddPage(group, reference, plain, Math.Min(left, VtpmSector.VtpmCount));
            left -= VtpmSector.VtpmCount;
        }

        return true;
    }

    private static void AddPage(ManagerGroup group, SectorReference reference, byte[] plain, int count)
    {
        VtpmSector sector = SectorDisk.Parse<VtpmSector>(plain);
        var page = new VtpmPage(group.Pages.Count) { Disk = reference, Closed = group.IsOpen ? null : plain[..VtpmSector.Size] };
        if (group.Keys is { } keys) HostOrderCtr.Transform(keys.GroupKey.Cipher, sector.Counter, sector.KeyData);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> keyData = sector.KeyData.AsSpan(i * VtpmSector.KeyDataSize, VtpmSector.KeyDataSize);
            VtpmHeader header = sector.Headers[i];
            page.Vtpms.Add(new ManagerVtpm(group, header.Uuid, (ManagerVtpmFlags)header.Flags, group.IsOpen ? new KeyBytes(keyData) : null));
        }

        CryptographicOperations.ZeroMemory(sector.KeyData);
        group.AddPage(page);
    }

    private bool TryReadRollbackMacs(List<uint> sectors, out Dictionary<uint, byte[]> macs)
    {
        macs = [];
        Add(macs, _root.RollbackMacs, _root.RollbackMacsHere);
        (uint next, byte[] hash) = (_root.RollbackNext, _root.RollbackNextHash);
        while (next != 0)
        {
            if (Read(next) is not { } plain || !HashMatches(plain, hash)) return false;
            sectors.Add(next);
            RollbackMacSector sector = SectorDisk.Parse<RollbackMacSector>(plain);
            Add(macs, sector.Macs, sector.MacsHere);
            (next, hash) = (sector.Next, sector.NextHash);
        }

        return true;

        static void Add(Dictionary<uint, byte[]> macs, RollbackMac[] entries, uint count)
        {
            foreach (RollbackMac entry in entries[..(int)Math.Min(count, entries.Length)]) macs.TryAdd(entry.GroupIndex, entry.Mac);
        }
    }

    // An open group without a MAC that fits this root is marked, and the mark is saved with it.
    private void CheckRollbackMacs(Dictionary<uint, byte[]> macs)
    {
        for (int i = 0; i < _image.Groups.Count; i++)
        {
            ManagerGroup group = _image.Groups[i];
            if (!group.IsOpen) group.SetRollbackProof(candidate.MacArea, macs.GetValueOrDefault((uint)i));
            if (group.Keys is not { } keys || group.RollbackDetected) continue;
            if (!macs.TryGetValue((uint)i, out byte[]? mac) || !AesCmac.Verify(keys.RollbackMacKey.Cipher, candidate.MacArea, mac)) group.MarkRollback();
        }
    }

    // The list is used again for the other root, unless it is not the one that belongs to group 0: then it is sealed anew.
    private bool TryAdoptSeals()
    {
        IReadOnlyList<SealEntry> platforms = _image.Groups[0].Platforms;
        if (candidate.Seals is not { } seals || seals.Length != platforms.Count) return false;
        for (int i = 0; i < seals.Length; i++)
            if (seals[i].PcrMask != platforms[i].PcrMask || seals[i].DigestRelease != platforms[i].DigestRelease) return false;
        _image.RootSeals = seals;
        _image.RootSealsOnDisk[candidate.Root] = true;
        return true;
    }
}
