using System.Security.Cryptography;

namespace Vtpm.Manager;

/// <summary>
/// A group's keys in the hands of its authority, which opens the group by them where no approved platform can. Whoever has them and the image's key
/// reads every key in the group: as secret as the authority's own key.
/// </summary>
public sealed class GroupRecoveryKeys : IDisposable
{
    /// <summary>Bytes of the two keys.</summary>
    public const int Size = 32;

    private const int UuidSize = 16;

    private readonly byte[] _keys = GC.AllocateArray<byte>(Size, pinned: true);

    internal GroupRecoveryKeys(Guid groupUuid, ReadOnlySpan<byte> keys)
    {
        GroupUuid = groupUuid;
        keys.CopyTo(_keys);
    }

    public Guid GroupUuid { get; }

    /// <summary>What a file of them has: 8 bytes of magic, the group's uuid, group_key 16, rollback_mac_key 16.</summary>
    public static int FileSize => Magic.Length + UuidSize + Size;

    /// <summary>group_key and rollback_mac_key.</summary>
    internal ReadOnlySpan<byte> Keys => _keys;

    private static ReadOnlySpan<byte> Magic => "vTPMgrk1"u8;

    /// <summary>Reads what <see cref="ToFile"/> has written; null when it is something else.</summary>
    public static GroupRecoveryKeys? FromFile(ReadOnlySpan<byte> file) => file.Length == FileSize && file.StartsWith(Magic)
        ? new GroupRecoveryKeys(new Guid(file.Slice(Magic.Length, UuidSize), bigEndian: true), file[(Magic.Length + UuidSize)..])
        : null;

    /// <summary>The bytes of a file, which the caller zeroes.</summary>
    public byte[] ToFile()
    {
        byte[] file = GC.AllocateArray<byte>(FileSize, pinned: true);
        Magic.CopyTo(file);
        GroupUuid.TryWriteBytes(file.AsSpan(Magic.Length), bigEndian: true, out _);
        _keys.CopyTo(file, Magic.Length + UuidSize);
        return file;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_keys);

    public override string ToString() => $"(keys of group {GroupUuid})";
}
