namespace Vtpm.Storage;

/// <summary>What the manager keeps about a vTPM. Bits that are not named here are carried along.</summary>
[Flags]
public enum ManagerVtpmFlags : ushort
{
    None = 0,

    /// <summary>May give management commands.</summary>
    Admin = 1,
}

/// <summary>One vTPM in the manager's image. A change is durable when <see cref="ManagerImage.Save"/> has succeeded.</summary>
public sealed class ManagerVtpm
{
    public const int KeyDataSize = VtpmSector.KeyDataSize;

    private KeyBytes? _keyData;

    internal ManagerVtpm(ManagerGroup group, Guid uuid, ManagerVtpmFlags flags, KeyBytes? keyData)
    {
        Group = group;
        Uuid = uuid;
        Flags = flags;
        _keyData = keyData;
    }

    public Guid Uuid { get; }

    public ManagerGroup Group { get; }

    public ManagerVtpmFlags Flags { get; private set; }

    /// <summary>64 bytes: hash and key of the live slot, and 12 more; zeros when nothing was saved yet.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public ReadOnlySpan<byte> KeyData => (_keyData ?? throw ManagerGroup.Closed()).Span;

    /// <summary>Its place in the group; the sector is the 48th part of it.</summary>
    internal int Index { get; set; }

    /// <summary>Replaces the key data; fewer than 64 bytes are filled up with zeros.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public void SetKeyData(ReadOnlySpan<byte> keyData)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keyData.Length, KeyDataSize);
        KeyBytes old = _keyData ?? throw ManagerGroup.Closed();
        var replacement = new KeyBytes(KeyDataSize);
        keyData.CopyTo(replacement.Span);
        _keyData = replacement;
        Changed(
            () =>
            {
                _keyData = old;
                replacement.Dispose();
            },
            old.Dispose);
    }

    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public void SetFlags(ManagerVtpmFlags flags)
    {
        ManagerVtpmFlags old = Flags;
        Flags = flags;
        Changed(() => Flags = old);
    }

    /// <summary>The group was opened: this is its key data, from now on this vTPM's.</summary>
    internal void Open(KeyBytes keyData) => _keyData = keyData;

    internal void Dispose() => _keyData?.Dispose();

    private void Changed(Action undo, Action? settle = null)
    {
        Group.Changes.Record(undo, settle);
        Group.MarkDirty(this);
    }
}
