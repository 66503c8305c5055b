using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// A group of vTPMs: the authority that governs it, the platforms that may open it, its keys. A group that the present platform cannot open is
/// carried along closed: what is not secret in it can be read, and nothing can be changed.
/// </summary>
public sealed partial class ManagerGroup
{
    internal const ulong RollbackFlag = 1;

    private readonly ManagerImage _image;
    private readonly List<VtpmPage> _dirtyPages = [];
    private GroupSector _content;

    internal ManagerGroup(ManagerImage image, GroupSector content, GroupKeys? keys)
    {
        _image = image;
        _content = content;
        Keys = keys;
    }

    /// <summary>The place in the image's list, by which management commands name it.</summary>
    public int Index => _image.IndexOf(this);

    public bool IsOpen => Keys is not null;

    public Guid Uuid => _content.Uuid;

    public ReadOnlyMemory<byte> SaaModulus => _content.SaaModulus;

    /// <summary>Zeroes when the group has no identity key, or its secret is not known after a recovery; as the next.</summary>
    public ReadOnlyMemory<byte> AikPublic => _lacksAikSecret ? NoRsaBytes : _content.AikPublic;

    public ReadOnlyMemory<byte> AikEncData => _lacksAikSecret ? NoRsaBytes : _content.AikEncData;

    public ReadOnlyMemory<byte> RecoveryData => _content.RecoveryData;

    /// <summary>Counts the saves that changed the group.</summary>
    public ulong Sequence => _content.Sequence;

    /// <summary>The sequence number that the authority gave the boot configurations.</summary>
    public ulong ConfigurationSequence => _content.ConfigurationSequence;

    /// <summary>
    /// The group's own MAC does not fit the root it was found under: an older group may have been put into a newer image. Stays until
    /// <see cref="AcknowledgeRollback"/>.
    /// </summary>
    public bool RollbackDetected => (_content.Flags & RollbackFlag) != 0;

    /// <summary>The authorization value of the AIK, 20 bytes. Secret.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public ReadOnlySpan<byte> AikAuth => RequireKeys().AikAuth.Span;

    /// <summary>Secret, 16 bytes.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public ReadOnlySpan<byte> GroupKey => RequireKeys().GroupKey.Span;

    /// <summary>Secret, 16 bytes.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public ReadOnlySpan<byte> RollbackMacKey => RequireKeys().RollbackMacKey.Span;

    public int VtpmCount { get; private set; }

    /// <summary>All vTPMs in the order of the image.</summary>
    public IEnumerable<ManagerVtpm> Vtpms => Pages.SelectMany(page => page.Vtpms);

    internal ChangeLog Changes => _image.Changes;

    internal GroupKeys? Keys { get; private set; }

    internal List<VtpmPage> Pages { get; } = [];

    /// <summary>Where the live root has it.</summary>
    internal SectorReference? Disk { get; private set; }

    /// <summary>The list of its vTPM sectors, as the live root has it.</summary>
    internal HashTree Tree { get; private set; } = HashTree.Empty(GroupSector.Width);

    internal bool IsDirty { get; private set; }

    internal bool NeedsWrite => IsDirty || Disk is null;

    internal GroupSector Content => _content;

    /// <summary>The vTPM at a place in the order of the image.</summary>
    public ManagerVtpm VtpmAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, VtpmCount);
        return Pages[index / VtpmSector.VtpmCount].Vtpms[index % VtpmSector.VtpmCount];
    }

    /// <summary>Sets what makes the group a signer: the authority's key and the AIK that the hardware TPM made for it.</summary>
    /// <exception cref="ArgumentException">One of them has not 256 bytes.</exception>
    public void SetIdentity(ReadOnlySpan<byte> saaModulus, ReadOnlySpan<byte> aikPublic, ReadOnlySpan<byte> aikEncData,
        ReadOnlySpan<byte> recoveryData) =>
        Change(_content with
        {
            SaaModulus = RsaBytes(saaModulus, nameof(saaModulus)),
            AikPublic = RsaBytes(aikPublic, nameof(aikPublic)),
            AikEncData = RsaBytes(aikEncData, nameof(aikEncData)),
            RecoveryData = RsaBytes(recoveryData, nameof(recoveryData)),
        });

    /// <summary>The authority has judged the group's state to be the right one.</summary>
    public void AcknowledgeRollback() => Change(_content with { Flags = _content.Flags & ~RollbackFlag });

    /// <summary>New keys for the group: everything in it is written again and sealed again by the next save.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public void RotateKeys()
    {
        GroupKeys old = RequireKeys();
        var replacement = new GroupKeys(new KeyBytes(old.AikAuth.Span), KeyBytes.Random(AesCmac.Size), KeyBytes.Random(AesCmac.Size));
        Keys = replacement;
        Changes.Record(
            () =>
            {
                Keys = old;
                replacement.Dispose();
            },
            old.Dispose);
        MarkAllDirty();
        ForgetSeals();
    }

    /// <summary>Adds a vTPM with key data of zeros; null when the image has one of that name, in whichever group.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public ManagerVtpm? AddVtpm(Guid uuid, ManagerVtpmFlags flags)
    {
        RequireKeys();
        if (_image.FindVtpm(uuid) is not null) return null;
        var vtpm = new ManagerVtpm(this, uuid, flags, new KeyBytes(VtpmSector.KeyDataSize));
        Append(vtpm);
        _image.Register(vtpm);
        Changes.Record(() =>
        {
            TakeLast();
            _image.Unregister(vtpm);
            vtpm.Dispose();
        });
        MarkDirty(vtpm);
        return vtpm;
    }

    /// <summary>Removes a vTPM; the last one of the group takes its place.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public void RemoveVtpm(ManagerVtpm vtpm)
    {
        ArgumentNullException.ThrowIfNull(vtpm);
        RequireKeys();
        if (vtpm.Group != this || vtpm.Index >= VtpmCount || VtpmAt(vtpm.Index) != vtpm)
            throw new ArgumentException("the vTPM is not in this group", nameof(vtpm));

        int index = vtpm.Index;
        VtpmPage lastPage = Pages[^1];
        MarkDirty(vtpm);
        MarkDirty(lastPage);
        ManagerVtpm last = TakeLast();
        if (last != vtpm) Put(last, index);
        _image.Unregister(vtpm);
        Changes.Record(
            () =>
            {
                if (last != vtpm) Put(vtpm, index);
                if (lastPage.Index == Pages.Count) Pages.Add(lastPage);   // the same one: it knows its sector
                Append(last);
                _image.Register(vtpm);
            },
            vtpm.Dispose);
        if (lastPage.Index == Pages.Count && lastPage.Disk is { } gone) _image.Drop([gone.Location]);
    }

    internal static InvalidOperationException Closed() => new("the group is closed: the present platform may not open it");

    internal static ManagerGroup CreateNew(ManagerImage image)
    {
        GroupSector content = SectorDisk.Parse<GroupSector>(stackalloc byte[SectorDisk.PlainSize]);
        content.Uuid = Guid.NewGuid();
        var keys = new GroupKeys(KeyBytes.Random(TpmAuthData.Size), KeyBytes.Random(AesCmac.Size), KeyBytes.Random(AesCmac.Size));
        return new ManagerGroup(image, content, keys) { IsDirty = true };
    }

    /// <summary>The pages that the next save writes, in their order.</summary>
    internal int[] ChangedPages()
    {
        // A page may have gone since, and another one have come in its place.
        int[] changed = [.. _dirtyPages.Where(page => page.Index < Pages.Count && Pages[page.Index] == page).Select(page => page.Index)];
        Array.Sort(changed);
        return changed;
    }

    /// <summary>Every sector of it on the disk.</summary>
    internal IEnumerable<uint> Sectors() =>
        Pages.Select(page => page.Disk).Append(Disk).OfType<SectorReference>().Select(reference => reference.Location).Concat(Tree.Sectors)
            .Concat(Chain.Sectors);

    internal void MarkDirty()
    {
        if (IsDirty) return;
        IsDirty = true;
        Changes.Record(() => IsDirty = false);
    }

    internal void MarkDirty(ManagerVtpm vtpm)
    {
        MarkDirty(Pages[vtpm.Index / VtpmSector.VtpmCount]);
        MarkDirty();
    }

    internal void MarkAllDirty()
    {
        Pages.ForEach(MarkDirty);
        MarkChainDirty();
        MarkDirty();
    }

    internal void MarkRollback()
    {
        _content.Flags |= RollbackFlag;
        IsDirty = true;
    }

    /// <summary>The reader's: a page as it was found, with its vTPMs.</summary>
    internal void AddPage(VtpmPage page)
    {
        Pages.Add(page);
        foreach (ManagerVtpm vtpm in page.Vtpms) vtpm.Index = VtpmCount++;
    }

    /// <summary>The group is on the disk so: after it was read or saved.</summary>
    internal void SetDisk(SectorReference disk, HashTree tree, ConfigurationChain chain, GroupSector content)
    {
        Disk = disk;
        Tree = tree;
        Chain = chain;
        _isChainDirty = false;
        _content = content;
        IsDirty = false;
        IsSealed = true;
        _dirtyPages.ForEach(page => page.IsDirty = false);
        _dirtyPages.Clear();
    }

    internal void Dispose()
    {
        Keys?.Dispose();
        foreach (ManagerVtpm vtpm in Vtpms) vtpm.Dispose();
    }

    private static byte[] RsaBytes(ReadOnlySpan<byte> bytes, string name) =>
        bytes.Length == GroupSector.RsaSize ? bytes.ToArray() : throw new ArgumentException($"{GroupSector.RsaSize} bytes are needed", name);

    private void MarkDirty(VtpmPage page)
    {
        if (page.IsDirty) return;
        page.IsDirty = true;
        _dirtyPages.Add(page);
        Changes.Record(() =>
        {
            page.IsDirty = false;
            _dirtyPages.RemoveAt(_dirtyPages.Count - 1);   // changes are taken back from the last one
        });
    }

    private GroupKeys RequireKeys() => Keys ?? throw Closed();

    private void Change(GroupSector content)
    {
        RequireKeys();
        GroupSector old = _content;
        _content = content;
        Changes.Record(() => _content = old);
        MarkDirty();
    }

    private void Append(ManagerVtpm vtpm)
    {
        if (VtpmCount == Pages.Count * VtpmSector.VtpmCount) Pages.Add(new VtpmPage(Pages.Count));
        Pages[^1].Vtpms.Add(vtpm);
        vtpm.Index = VtpmCount++;
    }

    private ManagerVtpm TakeLast()
    {
        List<ManagerVtpm> vtpms = Pages[^1].Vtpms;
        ManagerVtpm last = vtpms[^1];
        vtpms.RemoveAt(vtpms.Count - 1);
        if (vtpms.Count == 0) Pages.RemoveAt(Pages.Count - 1);
        VtpmCount--;
        return last;
    }

    private void Put(ManagerVtpm vtpm, int index)
    {
        Pages[index / VtpmSector.VtpmCount].Vtpms[index % VtpmSector.VtpmCount] = vtpm;
        vtpm.Index = index;
    }
}
