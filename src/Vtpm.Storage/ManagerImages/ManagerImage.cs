using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// The manager's disk image, format versions 0 and 1: groups of vTPMs under keys that the hardware TPM seals. All of it is in memory;
/// <see cref="Save"/> writes what changed.
/// </summary>
/// <remarks>
/// <code>
/// sector 0, 1   seal list of root 0, 1 (in clear) ──unseal──► image key
/// sector 2, 3   root 0, 1 ──► [tree] ──► group ──► [tree] ──► vTPM sector          (hashes down, encrypted)
/// sector 4...   groups, trees, vTPMs; a changed one goes to a sector that the live root does not use
/// </code>
/// Not thread-safe. Wherever a save fails, memory and disk keep the last saved state; where the disk cannot be made to, the image is
/// <see cref="IsInDoubt"/>.
/// </remarks>
public sealed partial class ManagerImage : IDisposable
{
    /// <summary>What the original uses of a device, and the size of a new image.</summary>
    public const long DefaultLength = 2 * 1024 * 1024;

    /// <summary>Bytes of a mask, which are those of the image's key.</summary>
    public const int MaskSize = AesCmac.Size;

    internal const int SmallestSectors = 8;

    private readonly Dictionary<Guid, ManagerVtpm> _vtpms = [];
    private readonly List<ManagerGroup> _groups = [];
    private readonly IManagerSealer _sealer;

    internal ManagerImage(SectorDisk disk, IManagerSealer sealer, ImageKeys keys)
    {
        Disk = disk;
        _sealer = sealer;
        Keys = keys;
        Space = new SectorSpace(new SectorMap(disk.Count));
    }

    public Guid Uuid => Keys.ManagerUuid;

    /// <summary>Counts the saves.</summary>
    public ulong Sequence { get; internal set; }

    /// <summary>The value of the hardware counter that the root belongs to.</summary>
    public uint CounterValue { get; private set; }

    /// <summary>The hardware counter that guards against an older image, 0 when none is used.</summary>
    public uint CounterIndex => Keys.CounterIndex;

    public TpmAuthData CounterAuth => Keys.CounterAuth;

    /// <summary>The NVRAM area of the hardware TPM that belongs to the image, 0 when none is used.</summary>
    public uint NvramSlot => Keys.NvramSlot;

    public TpmAuthData NvramAuth => Keys.NvramAuth;

    /// <summary>Whether the image's key is sealed under a mask, without which nobody opens it.</summary>
    public bool IsMasked => Keys.Mask is not null;

    /// <summary>Group 0 is the manager's own and is always open.</summary>
    public IReadOnlyList<ManagerGroup> Groups => _groups;

    /// <summary>Whether a save reaches the disk: group 0 has a boot configuration to seal the keys to.</summary>
    public bool IsPersistent => _groups[0].Platforms.Count > 0;

    /// <summary>
    /// The version of the format that the image needs: 0, which Xen's manager reads, while no group has more than 5 platforms or 16 kernels.
    /// </summary>
    public uint FormatVersion => _groups.Exists(group => group.NeedsChain) ? SealListSector.LongListsVersion : SealListSector.OriginalVersion;

    /// <summary>
    /// The other root is still sealed to earlier platforms of group 0, which so can open the state before this one. One more save ends that.
    /// </summary>
    public bool EarlierSealsRemain => IsPersistent && RootSealsOnDisk[LiveRoot] && !RootSealsOnDisk[1 - LiveRoot];

    /// <summary>
    /// A save has failed so late that a restart may find it, though memory has the state before it. Nobody is to act on what memory says until
    /// <see cref="TrySettle"/> succeeds.
    /// </summary>
    public bool IsInDoubt { get; internal set; }

    /// <summary>Whether both roots have the last saved state.</summary>
    public bool HasTwin { get; internal set; }

    internal SectorDisk Disk { get; }

    internal ChangeLog Changes { get; } = new();

    internal ImageKeys Keys { get; private set; }

    /// <summary>The root, 0 or 1, that has the state in memory; the next save goes to the other.</summary>
    internal int LiveRoot { get; set; }

    /// <summary>Where the next save may write. The other root's sectors are taken last, so that it stays whole as long as there is room.</summary>
    internal SectorSpace Space { get; private set; }

    /// <summary>The list of groups, as the live root has it.</summary>
    internal HashTree Tree { get; set; } = HashTree.Empty(RootSector.Width);

    /// <summary>Sectors of the live root beside groups and trees: the rest of its MACs, and of its seal list. A save makes them anew.</summary>
    internal IReadOnlyList<uint> Annexes { get; set; } = [];

    /// <summary>Sectors of the live root that held what was removed since.</summary>
    internal List<uint> Dropped { get; } = [];

    /// <summary>The image keys sealed to the platforms of group 0; null when they have to be sealed anew.</summary>
    internal SealEntry[]? RootSeals { get; set; }

    /// <summary>Whether the seal list of root 0, 1 on the disk is <see cref="RootSeals"/>.</summary>
    internal bool[] RootSealsOnDisk { get; } = [false, false];

    /// <summary>Seals of the present keys, of platforms that may be among the new ones, when <see cref="RootSeals"/> have to be made.</summary>
    internal IReadOnlyList<SealEntry> KnownRootSeals { get; private set; } = [];

    /// <summary>Where <see cref="RootSeals"/> go on, of which the first sectors have thirteen; both roots refer to the same ones.</summary>
    internal IReadOnlyList<uint> SealChain { get; set; } = [];

    /// <summary>The format version that the seal list of root 0, 1 says.</summary>
    internal uint[] VersionOnDisk { get; } = [0, 0];

    /// <summary>A new image over whatever the store holds: older roots have to go before the first one is written.</summary>
    internal bool MustWipe { get; set; }

    /// <summary>
    /// A new image with an empty, unprovisioned group 0. Nothing is written before the first save that is <see cref="IsPersistent"/>; that one
    /// replaces whatever the store holds, so look with <see cref="Open"/> first.
    /// </summary>
    /// <exception cref="StorageException">The store is too small.</exception>
    public static ManagerImage Create(IBlockStore store, IManagerSealer sealer)
    {
        var disk = new SectorDisk(store);
        if (disk.Count < SmallestSectors) throw new StorageException(StorageFault.Unsuitable, ManagerImageReader.TooSmall(store));
        var image = new ManagerImage(disk, sealer, ImageKeys.CreateNew()) { MustWipe = true };
        image._groups.Add(ManagerGroup.CreateNew(image));
        return image;
    }

    /// <summary>Opens what the store holds. Never throws for what is found there; exceptions of sealer and masks pass.</summary>
    /// <param name="store">What holds the image.</param>
    /// <param name="sealer">What opens its keys.</param>
    /// <param name="masks">Where a mask may be that lies over the image's key; without it, an image under a mask does not open.</param>
    public static ManagerOpen Open(IBlockStore store, IManagerSealer sealer, IKeyMasks? masks = null)
    {
        using var reader = new ManagerImageReader(store, sealer, masks);
        return reader.Open();
    }

    /// <summary>The vTPM of that name in any group, open or closed; null when there is none.</summary>
    public ManagerVtpm? FindVtpm(Guid uuid) => _vtpms.GetValueOrDefault(uuid);

    public ManagerGroup? FindGroup(Guid uuid) => _groups.Find(group => group.Uuid == uuid);

    /// <summary>
    /// Adds a group with keys of its own and no platform. Give it one before the next start: a group that no platform may open stays closed.
    /// </summary>
    public ManagerGroup AddGroup()
    {
        ManagerGroup group = ManagerGroup.CreateNew(this);
        _groups.Add(group);
        Changes.Record(() =>
        {
            _groups.Remove(group);
            group.Dispose();
        });
        return group;
    }

    /// <summary>Removes a group with all its vTPMs; those after it move up.</summary>
    /// <exception cref="ArgumentException">It is group 0, or not of this image.</exception>
    public void RemoveGroup(ManagerGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        int index = _groups.IndexOf(group);
        if (index < 1) throw new ArgumentException("group 0, or a group of another image, cannot be removed", nameof(group));
        _groups.RemoveAt(index);
        Drop(group.Sectors());
        foreach (ManagerVtpm vtpm in group.Vtpms) Unregister(vtpm);
        Changes.Record(
            () =>
            {
                _groups.Insert(index, group);
                foreach (ManagerVtpm vtpm in group.Vtpms) Register(vtpm);
            },
            group.Dispose);
    }

    /// <summary>Binds the next root to a value of the hardware counter.</summary>
    public void SetCounterValue(uint value)
    {
        uint old = CounterValue;
        CounterValue = value;
        Changes.Record(() => CounterValue = old);
    }

    /// <summary>Sets the hardware counter that guards the image; it is kept in the sealed keys.</summary>
    public void SetCounter(uint index, TpmAuthData auth) => Replace(Keys.Copy(key: null) with { CounterIndex = index, CounterAuth = auth });

    /// <summary>
    /// Sets the NVRAM area that belongs to the image; it is kept in the sealed keys. Under the mask, which that area holds, the next save seals the
    /// image's key; the one after it leaves no root under the mask before.
    /// </summary>
    /// <param name="slot">Where it is.</param>
    /// <param name="auth">What opens it.</param>
    /// <param name="mask"><see cref="MaskSize"/> bytes, or none: then the key is sealed as it is.</param>
    /// <exception cref="ArgumentException">The mask has another length.</exception>
    public void SetNvram(uint slot, TpmAuthData auth, ReadOnlySpan<byte> mask = default)
    {
        if (mask.Length is not (0 or MaskSize)) throw new ArgumentException($"a mask has {MaskSize} bytes", nameof(mask));
        ImageKeys keys = Keys.Copy(key: null);
        keys.Mask?.Dispose();
        Replace(keys with { NvramSlot = slot, NvramAuth = auth, Mask = mask.IsEmpty ? null : new KeyBytes(mask) });
    }

    /// <summary>Whether the image's key is sealed under this mask.</summary>
    public bool IsMaskedBy(ReadOnlySpan<byte> mask) => Keys.Mask is { } own && CryptographicOperations.FixedTimeEquals(own.Span, mask);

    /// <summary>A new key for the image: the next save writes every sector again, those of closed groups included.</summary>
    public void RotateKey()
    {
        Replace(Keys.Copy(KeyBytes.Random(AesCmac.Size)));
        foreach (ManagerGroup group in _groups) group.MarkAllDirty();
    }

    /// <summary>Ends a doubt, if there is one, by taking the root of the failed save off the disk: memory has what a restart finds.</summary>
    /// <param name="reason">What the medium says against it; empty when nothing is in doubt any more.</param>
    public bool TrySettle(out string reason)
    {
        reason = "";
        if (!IsInDoubt) return true;
        try
        {
            Disk.WriteClear(RootLocation(1 - LiveRoot), []);
            Disk.Flush();
            IsInDoubt = false;
            return true;
        }
        catch (IOException error)
        {
            reason = error.Message;
            return false;
        }
    }

    /// <summary>Makes all changes durable, or takes them back. First settles what an earlier save has left in doubt.</summary>
    public ManagerSave Save()
    {
        if (!TrySettle(out string reason))
        {
            Changes.Rollback();
            return new(ManagerWrite.Failed, reason, InDoubt: true);
        }

        if (!IsPersistent)
        {
            Changes.Commit();
            return new(ManagerWrite.NotSealed,
                "nothing is written before group 0 has a boot configuration (group-update 0): all of this is lost at the end");
        }

        HasTwin = false;
        var writer = new ManagerImageWriter(this, _sealer);
        try
        {
            ManagerSave result = writer.Write();
            if (result.Write == ManagerWrite.Saved) Changes.Commit();
            else Changes.Rollback();
            return result;
        }
        catch (IOException error)
        {
            Changes.Rollback();
            return new(ManagerWrite.Failed, error.Message, InDoubt: !TrySettle(out _));
        }
        catch
        {
            Changes.Rollback();
            throw;
        }
    }

    /// <summary>
    /// Gives the other root the last saved state too, so that damage in either root sector or seal list costs nothing. For when nobody waits: two
    /// barriers, one of them only when the seal list has changed. A failure leaves nothing in doubt, since there is one state.
    /// </summary>
    /// <param name="reason">Why it was not done, when the medium failed.</param>
    /// <returns>False also while there are changes to be saved, or nothing was.</returns>
    public bool TryTwin(out string reason)
    {
        reason = "";
        if (HasTwin) return true;
        if (!IsPersistent || IsInDoubt || MustWipe || Changes.Count > 0 || RootSeals is null) return false;
        try
        {
            new ManagerImageWriter(this, _sealer).CopyRoot();
            return HasTwin = true;
        }
        catch (IOException error)
        {
            reason = error.Message;
            return false;
        }
    }

    /// <summary>Takes back all changes since the last save.</summary>
    public void Rollback() => Changes.Rollback();

    /// <summary>A point to go back to by <see cref="Rollback(int)"/>, as long as nothing is saved in between.</summary>
    public int Mark() => Changes.Count;

    /// <summary>Takes back the changes since <see cref="Mark"/> gave that number.</summary>
    public void Rollback(int mark) => Changes.RollbackTo(mark);

    /// <summary>Whether the changes can be saved without a sector of the other root.</summary>
    public bool FitsBesideOtherRoot() => !IsPersistent || SaveSize.Of(this) <= Space.Free;

    /// <summary>Zeroes every key. The store stays open: it belongs to the caller.</summary>
    public void Dispose()
    {
        Changes.Commit();
        Keys.Dispose();
        foreach (ManagerGroup group in _groups) group.Dispose();
    }

    internal static uint RootLocation(int root) => 2 + (uint)root;

    internal int IndexOf(ManagerGroup group) => _groups.IndexOf(group);

    // Two of one name can be on an image of the original; the one found first counts, an open one before a closed one.
    internal void Register(ManagerVtpm vtpm)
    {
        if (!_vtpms.TryAdd(vtpm.Uuid, vtpm) && vtpm.Group.IsOpen && !_vtpms[vtpm.Uuid].Group.IsOpen) _vtpms[vtpm.Uuid] = vtpm;
    }

    internal void Unregister(ManagerVtpm vtpm)
    {
        if (_vtpms.GetValueOrDefault(vtpm.Uuid) == vtpm) _vtpms.Remove(vtpm.Uuid);
    }

    /// <summary>The reader's.</summary>
    internal void Adopt(ManagerGroup group)
    {
        _groups.Add(group);
        foreach (ManagerVtpm vtpm in group.Vtpms) Register(vtpm);
    }

    /// <summary>The reader's: which root this is, and which sectors it uses.</summary>
    internal void SetRoot(int root, in RootSector sector, SectorMap used)
    {
        Space = new SectorSpace(used);
        LiveRoot = root;
        Sequence = sector.Sequence;
        CounterValue = sector.CounterValue;
    }

    /// <summary>The next save no longer needs these sectors of the live root.</summary>
    internal void Drop(IEnumerable<uint> sectors)
    {
        int count = Dropped.Count;
        Dropped.AddRange(sectors);
        Changes.Record(() => Dropped.RemoveRange(count, Dropped.Count - count));
    }

    /// <param name="keepKnown">What is sealed belongs to the present keys, and is taken again for platforms that stay.</param>
    internal void ForgetRootSeals(bool keepKnown)
    {
        (SealEntry[]? old, IReadOnlyList<SealEntry> known) = (RootSeals, KnownRootSeals);
        KnownRootSeals = keepKnown ? old ?? known : [];
        RootSeals = null;
        Changes.Record(() => (RootSeals, KnownRootSeals) = (old, known));
    }

    private void Replace(ImageKeys keys)
    {
        ImageKeys old = Keys;
        Keys = keys;
        Changes.Record(
            () =>
            {
                Keys = old;
                keys.Dispose();
            },
            old.Dispose);
        ForgetRootSeals(keepKnown: false);
    }
}
