using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// One save: changed sectors to free places, then the seal list if it changed, then the root that is not live. Memory learns of it only when all is
/// durable.
/// </summary>
/// <remarks>
/// The sectors and the root need one barrier only: a root that got ahead of its sectors does not verify, and the other one is taken. The seal list
/// is in clear and nothing verifies it, so it has a barrier of its own, before its root.
/// </remarks>
internal sealed class ManagerImageWriter(ManagerImage image, IManagerSealer sealer)
{
    private readonly SectorMap _map = new(image.Disk.Count);
    private readonly KeySealing _sealing = new(image, sealer);
    private readonly List<Action> _apply = [];
    private readonly int _target = 1 - image.LiveRoot;
    private Aes? _key;
    private uint _cursor = SectorDisk.FirstFree;
    private bool _sparesStale = true;

    public ManagerSave Write()
    {
        if (FreeSectors() < NeededSectors()) return new(ManagerWrite.Full, "the image is full; move it to a larger one, or remove vTPMs");
        using Aes key = image.Keys.Key.CreateAes();
        _key = key;
        Wipe();
        var references = new List<SectorReference>();
        foreach (ManagerGroup group in image.Groups)
        {
            if (!group.NeedsWrite) references.Add(Keep(group));
            else if (WriteGroup(group) is { } written) references.Add(written);
            else return SealRefused();
        }

        if ((image.RootSeals ?? _sealing.SealRoot()) is not { } seals) return SealRefused();
        WriteSealList(seals);
        WriteRoot(references);
        image.Disk.Flush();
        Apply(seals);
        return new(ManagerWrite.Saved, "");
    }

    private static ManagerSave SealRefused() =>
        new(ManagerWrite.SealRefused, "the hardware TPM did not seal the keys; look at its state, then try again");

    private static int TreeSectors(int count, int width)
    {
        int span = (int)HashTree.Span(count, width);
        if (span == 1) return 0;
        int sectors = 0;
        for (int i = 0; i * span < count; i++) sectors += 1 + TreeSectors(Math.Min(span, count - (i * span)), TreeSector.Width);
        return sectors;
    }

    private int FreeSectors()
    {
        int free = 0;
        for (uint sector = 0; sector < image.Disk.Count; sector++) free += image.Live[sector] ? 0 : 1;
        return free;
    }

    private int NeededSectors() =>
        ((Math.Max(0, GroupsWithMac().Count() - RootSector.RollbackMacCount) + RollbackMacSector.MacCount - 1) / RollbackMacSector.MacCount)
        + TreeSectors(image.Groups.Count, RootSector.Width)
        + image.Groups.Where(group => group.NeedsWrite)
            .Sum(group => 1 + TreeSectors(group.Pages.Count, GroupSector.Width) + group.Pages.Count(page => page.NeedsWrite));

    // A new image over an old one: the old roots may have higher sequences.
    private void Wipe()
    {
        if (!image.MustWipe) return;
        for (uint sector = 0; sector < SectorDisk.FirstFree; sector++) image.Disk.WriteClear(sector, []);
        image.Disk.Flush();
    }

    private SectorReference Keep(ManagerGroup group)
    {
        SectorReference disk = group.Disk!.Value;
        Use(disk.Location);
        group.TreeSectors.ForEach(Use);
        foreach (VtpmPage page in group.Pages) Use(page.Disk!.Value.Location);
        return disk;
    }

    private void Use(uint sector) => _map.TryUse(sector);

    private SectorReference? WriteGroup(ManagerGroup group)
    {
        GroupSector content = group.Content;
        if (group.IsOpen && !group.IsSealed)
        {
            if (_sealing.SealGroup(group) is not { } seals) return null;
            content.Seals = seals;
        }

        content.VtpmLocations = new uint[GroupSector.Width];
        content.VtpmHashes = new byte[GroupSector.Width * HashTree.HashSize];
        content.BootConfigurationsNext = 0;
        var treeSectors = new List<uint>();
        SectorReference[] pages = [.. group.Pages.Select(page => WritePage(page, group))];
        HashTree.Write(Write, pages, content.VtpmLocations, content.VtpmHashes, treeSectors);
        if (group.IsOpen)
        {
            content.Sequence++;
            content.VtpmCount = (uint)group.VtpmCount;
            SetMac(ref content, group.Keys!.GroupKey);
        }

        byte[] plain = WireFormat.ToBytes(content);
        var reference = new SectorReference(Write(plain), SHA256.HashData(plain.AsSpan(0, GroupSector.HashArea)));
        _apply.Add(() => group.SetDisk(reference, treeSectors, content));
        return reference;
    }

    private static void SetMac(ref GroupSector content, KeyBytes groupKey)
    {
        using var aes = groupKey.CreateAes();
        content.Mac = new byte[AesCmac.Size];
        AesCmac.Compute(aes, WireFormat.ToBytes(content).AsSpan(0, GroupSector.MacArea), content.Mac);
    }

    private SectorReference WritePage(VtpmPage page, ManagerGroup group)
    {
        if (!page.NeedsWrite)
        {
            Use(page.Disk!.Value.Location);
            return page.Disk.Value;
        }

        byte[] plain = page.Serialise(group.Keys?.GroupKey);
        var reference = new SectorReference(Write(plain), SHA256.HashData(plain));
        CryptographicOperations.ZeroMemory(plain);
        _apply.Add(() =>
        {
            page.Disk = reference;
            page.IsDirty = false;
        });
        return reference;
    }

    private void WriteSealList(SealEntry[] seals)
    {
        if (image.RootSealsOnDisk[_target] && seals == image.RootSeals) return;
        var entries = new SealEntry[SealListSector.EntryCount];
        seals.CopyTo(entries, 0);
        var list = new SealListSector { Magic = SealListSector.ExpectedMagic.ToArray(), Length = (uint)seals.Length, Entries = entries };
        image.RootSealsOnDisk[_target] = false;   // until the save has succeeded: what is there now is the old list, the new one, or a torn one
        image.Disk.WriteClear((uint)_target, WireFormat.ToBytes(list));
        image.Disk.Flush();
    }

    private void WriteRoot(List<SectorReference> groups)
    {
        var root = new RootSector
        {
            Sequence = image.Sequence + 1,
            CounterValue = image.CounterValue,
            GroupCount = (uint)groups.Count,
            GroupLocations = new uint[RootSector.Width],
            GroupHashes = new byte[RootSector.Width * HashTree.HashSize],
        };
        HashTree.Write(Write, groups.ToArray(), root.GroupLocations, root.GroupHashes, []);
        SetRollbackMacs(ref root);
        byte[] plain = WireFormat.ToBytes(root);
        image.IsInDoubt = true;   // until the barrier, or until the root is withdrawn
        image.Disk.Write(_key!, ManagerImage.RootLocation(_target), plain);
    }

    private void SetRollbackMacs(ref RootSector root)
    {
        root.RollbackMacs = new RollbackMac[RootSector.RollbackMacCount];
        byte[] area = WireFormat.ToBytes(root)[..RootSector.MacArea];
        RollbackMac[] macs = [.. GroupsWithMac().Select(index => RollbackMacOf(index, area))];
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
        }
    }

    // A group whose rollback was detected gets none, so that it stays detected; a closed one cannot get one.
    private IEnumerable<int> GroupsWithMac() =>
        Enumerable.Range(0, image.Groups.Count).Where(index => image.Groups[index] is { IsOpen: true, RollbackDetected: false });

    private RollbackMac RollbackMacOf(int index, byte[] area)
    {
        using var aes = image.Groups[index].Keys!.RollbackMacKey.CreateAes();
        var entry = new RollbackMac { GroupIndex = (uint)index, Mac = new byte[AesCmac.Size] };
        AesCmac.Compute(aes, area, entry.Mac);
        return entry;
    }

    private uint Write(ReadOnlySpan<byte> plain)
    {
        uint sector = Allocate();
        image.Disk.Write(_key!, sector, plain);
        return sector;
    }

    // The lowest free one, as the original. There is one: it was counted before the first write.
    private uint Allocate()
    {
        while (true)
        {
            for (; _cursor < image.Disk.Count; _cursor++)
            {
                if (image.Live[_cursor] || (_sparesStale && image.Stale[_cursor]) || !_map.TryUse(_cursor)) continue;
                return _cursor++;
            }

            if (!_sparesStale) throw new InvalidOperationException("more sectors were needed than counted");
            (_sparesStale, _cursor) = (false, SectorDisk.FirstFree);
        }
    }

    private void Apply(SealEntry[] seals)
    {
        _apply.ForEach(action => action());
        if (seals != image.RootSeals) image.RootSealsOnDisk[image.LiveRoot] = false;
        image.RootSeals = seals;
        image.RootSealsOnDisk[_target] = true;
        image.Stale = image.Live;
        image.Live = _map;
        image.LiveRoot = _target;
        image.IsInDoubt = false;
        image.Sequence++;
        image.MustWipe = false;
    }
}
