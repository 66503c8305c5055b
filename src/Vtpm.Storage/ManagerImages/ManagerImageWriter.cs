using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// One save: changed sectors to free places, then the seal list if it changed, then the root that is not live. Memory learns of it only when all is
/// durable. It costs the sectors of what changed, each with those above it, however large the image is.
/// </summary>
/// <remarks>
/// The sectors and the root need one barrier only: a root that got ahead of its sectors does not verify, and the other one is taken. The seal list
/// is in clear and nothing verifies it, so it has a barrier of its own, before its root.
/// </remarks>
internal sealed class ManagerImageWriter(ManagerImage image, IManagerSealer sealer)
{
    private readonly KeySealing _sealing = new(image, sealer);
    private readonly List<Action> _apply = [];
    private readonly List<uint> _annexes = [];
    private readonly int _target = 1 - image.LiveRoot;
    private readonly uint _version = image.FormatVersion;
    private IReadOnlyList<uint> _sealChain = image.SealChain;
    private bool _saved;

    public ManagerSave Write()
    {
        if (image.Space.Available < SaveSize.Of(image)) return new(ManagerWrite.Full, "the image is full; move it to a larger one, or remove vTPMs");
        try
        {
            return WriteAll();
        }
        finally
        {
            if (!_saved) image.Space.Rollback();
        }
    }

    /// <summary>Makes the other root the same as the live one, byte for byte; whatever happens meanwhile, the live one stays.</summary>
    /// <exception cref="IOException">The medium failed. Whether the other root is the same is not known, and makes no difference.</exception>
    public void CopyRoot()
    {
        byte[] plain = new byte[SectorDisk.PlainSize];
        if (!image.Disk.TryRead(image.Keys.Key.Cipher, ManagerImage.RootLocation(image.LiveRoot), plain))
            throw new StorageException(StorageFault.Damaged, $"root {image.LiveRoot} does not verify any more: the image was changed, or the medium decays");
        WriteSealList(image.RootSeals!);
        image.Disk.Write(image.Keys.Key.Cipher, ManagerImage.RootLocation(_target), plain);
        image.Disk.Flush();
        (image.RootSealsOnDisk[_target], image.VersionOnDisk[_target]) = (true, _version);
        image.Space.Commit();   // what only the older state used
    }

    private static ManagerSave SealRefused() =>
        new(ManagerWrite.SealRefused, "the hardware TPM did not seal the keys; look at its state, then try again");

    private ManagerSave WriteAll()
    {
        Wipe();
        int[] changed = SaveSize.ChangedGroups(image);
        var written = new Dictionary<ManagerGroup, SectorReference>();
        foreach (ManagerGroup group in image.Groups.Where(group => group.NeedsWrite))
        {
            if (WriteGroup(group) is not { } reference) return SealRefused();
            written.Add(group, reference);
        }

        if ((image.RootSeals ?? _sealing.SealRoot()) is not { } seals) return SealRefused();
        HashTree tree = image.Tree.Update(
            image.Groups.Count,
            changed,
            index => written.TryGetValue(image.Groups[index], out SectorReference reference) ? reference : image.Groups[index].Disk!.Value,
            Write,
            image.Space.Release);
        WriteSealList(seals);
        WriteRoot(tree);
        image.Disk.Flush();
        Apply(seals, tree);
        return new(ManagerWrite.Saved, "");
    }

    // A new image over an old one: the old roots may have higher sequences. The lists are there, empty, before anything else: a disk without them and
    // with something on it, as a stop in the middle would leave it, is taken for another's.
    private void Wipe()
    {
        if (!image.MustWipe) return;
        for (uint root = 0; root < 2; root++)
        {
            image.Disk.WriteClear(ManagerImage.RootLocation((int)root), []);
            WriteSealSector(root, [], 0);
        }

        image.Disk.Flush();
    }

    private SectorReference? WriteGroup(ManagerGroup group)
    {
        GroupSector content = group.Content;
        if (group.IsOpen && !group.IsSealed)
        {
            if (_sealing.SealGroup(group) is not { } seals) return null;
            content.Seals = seals;
        }

        HashTree tree = WritePages(group);
        content.VtpmLocations = tree.Locations;
        content.VtpmHashes = tree.Hashes;
        ConfigurationChain chain = WriteChain(group, content);
        content.BootConfigurationsNext = chain.First;
        if (group.IsOpen)
        {
            content.NextHash = chain.Hash;
            content.Sequence++;
            content.VtpmCount = (uint)group.VtpmCount;
            content.Mac = new byte[AesCmac.Size];
        }

        byte[] plain = WireFormat.ToBytes(content);
        if (group.IsOpen)
        {
            AesCmac.Compute(group.Keys!.GroupKey.Cipher, plain.AsSpan(0, GroupSector.MacArea), content.Mac);
            content.Mac.CopyTo(plain, GroupSector.MacArea);
        }

        var reference = new SectorReference(Replace(group.Disk, plain), SHA256.HashData(plain.AsSpan(0, GroupSector.HashArea)));
        _apply.Add(() => group.SetDisk(reference, tree, chain, content));
        return reference;
    }

    private ConfigurationChain WriteChain(ManagerGroup group, in GroupSector content)
    {
        if (group.NeedsChain && !group.NeedsChainWrite) return group.Chain;
        foreach (uint sector in group.Chain.Sectors) image.Space.Release(sector);
        return ConfigurationChain.Write(content, Write);
    }

    private HashTree WritePages(ManagerGroup group)
    {
        int[] changed = group.ChangedPages();
        var written = new Dictionary<int, SectorReference>(changed.Length);
        foreach (int index in changed) written.Add(index, WritePage(group.Pages[index], group));
        return group.Tree.Update(
            group.Pages.Count,
            changed,
            index => written.TryGetValue(index, out SectorReference reference) ? reference : group.Pages[index].Disk!.Value,
            Write,
            image.Space.Release);
    }

    private SectorReference WritePage(VtpmPage page, ManagerGroup group)
    {
        byte[] plain = page.Serialise(group.Keys?.GroupKey);
        var reference = new SectorReference(Replace(page.Disk, plain), SHA256.HashData(plain));
        CryptographicOperations.ZeroMemory(plain);
        _apply.Add(() => page.Disk = reference);
        return reference;
    }

    private void WriteSealList(SealEntry[] seals)
    {
        if (image.RootSealsOnDisk[_target] && seals == image.RootSeals && image.VersionOnDisk[_target] == _version) return;
        SealEntry[][] parts = [.. seals.Chunk(SealListSector.EntryCount)];
        if (seals != image.RootSeals) WriteSealChain(parts);
        image.RootSealsOnDisk[_target] = false;   // until the save has succeeded: what is there now is the old list, the new one, or a torn one
        WriteSealSector((uint)_target, parts[0], _sealChain.Count > 0 ? _sealChain[0] : 0);
        image.Disk.Flush();
    }

    // What has no room in sector 0 or 1, for both roots.
    private void WriteSealChain(SealEntry[][] parts)
    {
        var sectors = new uint[parts.Length - 1];
        for (int i = sectors.Length - 1; i >= 0; i--)
        {
            sectors[i] = image.Space.Take();
            WriteSealSector(sectors[i], parts[i + 1], i + 1 < sectors.Length ? sectors[i + 1] : 0);
        }

        _sealChain = sectors;
    }

    private void WriteSealSector(uint sector, SealEntry[] entries, uint next)
    {
        var list = new SealListSector
        {
            Magic = SealListSector.ExpectedMagic.ToArray(), Version = _version, Length = (uint)entries.Length, Next = next, Entries = entries,
        };
        Array.Resize(ref list.Entries, SealListSector.EntryCount);
        image.Disk.WriteClear(sector, WireFormat.ToBytes(list));
    }

    private void WriteRoot(HashTree groups)
    {
        var root = new RootSector
        {
            Sequence = image.Sequence + 1,
            CounterValue = image.CounterValue,
            GroupCount = (uint)groups.Count,
            GroupLocations = groups.Locations,
            GroupHashes = groups.Hashes,
        };
        SetRollbackMacs(ref root);
        byte[] plain = WireFormat.ToBytes(root);
        image.IsInDoubt = true;   // until the barrier, or until the root is withdrawn
        image.Disk.Write(image.Keys.Key.Cipher, ManagerImage.RootLocation(_target), plain);
    }

    private void SetRollbackMacs(ref RootSector root)
    {
        root.RollbackMacs = new RollbackMac[RootSector.RollbackMacCount];
        byte[] area = WireFormat.ToBytes(root)[..RootSector.MacArea];
        RollbackMac[] macs = [.. SaveSize.GroupsWithMac(image).Select(index => RollbackMacOf(index, area))];
        int here = Math.Min(macs.Length, RootSector.RollbackMacCount);
        macs.AsSpan(0, here).CopyTo(root.RollbackMacs);
        root.RollbackMacsHere = (uint)here;

        // From the last one back, since each has the hash of the next.
        RollbackMac[][] further = [.. macs[here..].Chunk(RollbackMacSector.MacCount)];
        for (int i = further.Length - 1; i >= 0; i--)
        {
            var entries = new RollbackMac[RollbackMacSector.MacCount];
            further[i].CopyTo(entries, 0);
            var sector = new RollbackMacSector
            {
                MacsHere = (uint)further[i].Length, Next = root.RollbackNext, NextHash = root.RollbackNextHash, Macs = entries,
            };
            byte[] plain = SectorDisk.Fill(WireFormat.ToBytes(sector));
            (root.RollbackNext, root.RollbackNextHash) = (Write(plain), SHA256.HashData(plain));
            _annexes.Add(root.RollbackNext);
        }
    }

    private RollbackMac RollbackMacOf(int index, byte[] area)
    {
        var entry = new RollbackMac { GroupIndex = (uint)index, Mac = new byte[AesCmac.Size] };
        AesCmac.Compute(image.Groups[index].Keys!.RollbackMacKey.Cipher, area, entry.Mac);
        return entry;
    }

    private uint Replace(SectorReference? old, ReadOnlySpan<byte> plain)
    {
        if (old is { } reference) image.Space.Release(reference.Location);
        return Write(plain);
    }

    private uint Write(ReadOnlySpan<byte> plain)
    {
        uint sector = image.Space.Take();
        image.Disk.Write(image.Keys.Key.Cipher, sector, plain);
        return sector;
    }

    private void Apply(SealEntry[] seals, HashTree tree)
    {
        foreach (uint sector in image.Annexes.Concat(image.Dropped)) image.Space.Release(sector);
        if (_sealChain != image.SealChain)
            foreach (uint sector in image.SealChain) image.Space.Release(sector);
        image.Space.Commit();
        image.Dropped.Clear();
        image.Annexes = _annexes;
        _apply.ForEach(action => action());
        image.Tree = tree;
        if (seals != image.RootSeals) image.RootSealsOnDisk[image.LiveRoot] = false;
        (image.RootSeals, image.SealChain) = (seals, _sealChain);
        (image.RootSealsOnDisk[_target], image.VersionOnDisk[_target]) = (true, _version);
        image.LiveRoot = _target;
        image.IsInDoubt = false;
        image.Sequence++;
        image.MustWipe = false;
        _saved = true;
    }
}
