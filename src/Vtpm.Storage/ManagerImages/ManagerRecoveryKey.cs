using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// What opens a manager's image without the hardware TPM that it is sealed by: the image's key, those of group 0, and the secrets of what the
/// hardware TPM keeps for it. Whoever has it and the image has all that group 0 keeps. It opens the image until its key or group 0's is another.
/// </summary>
/// <remarks><code>
///  0        8              24          40           60             80           96         116         132               148
///  vTPMesc1 | manager uuid | image key | nvram_auth | counter_auth | group uuid | aik_auth | group_key | rollback_mac_key |
/// </code></remarks>
public sealed class ManagerRecoveryKey : IDisposable
{
    /// <summary>Of its bytes.</summary>
    public const int Size = 148;

    private const int UuidSize = 16;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(Size, pinned: true);

    private ManagerRecoveryKey(ReadOnlySpan<byte> bytes) => bytes.CopyTo(_bytes);

    /// <summary>The manager whose image it opens.</summary>
    public Guid ManagerUuid => new(_bytes.AsSpan(8, UuidSize), bigEndian: true);

    /// <summary>Group 0 of that image.</summary>
    public Guid GroupUuid => new(_bytes.AsSpan(80, UuidSize), bigEndian: true);

    private static ReadOnlySpan<byte> Magic => "vTPMesc1"u8;

    /// <summary>Reads what <see cref="ToBytes"/> has given; null when it is something else.</summary>
    public static ManagerRecoveryKey? Read(ReadOnlySpan<byte> bytes) => bytes.Length == Size && bytes.StartsWith(Magic) ? new(bytes) : null;

    /// <summary>Its bytes, which the caller zeroes.</summary>
    public byte[] ToBytes()
    {
        byte[] copy = GC.AllocateArray<byte>(Size, pinned: true);
        _bytes.CopyTo(copy, 0);
        return copy;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    public override string ToString() => $"(recovery key of manager {ManagerUuid})";

    internal static ManagerRecoveryKey Of(ImageKeys image, Guid group, GroupKeys keys)
    {
        var made = new ManagerRecoveryKey(Magic);
        Span<byte> bytes = made._bytes;
        image.ManagerUuid.TryWriteBytes(bytes[8..], bigEndian: true, out _);
        image.Key.Span.CopyTo(bytes[24..]);
        image.NvramAuth.ReadOnlySpan.CopyTo(bytes[40..]);
        image.CounterAuth.ReadOnlySpan.CopyTo(bytes[60..]);
        group.TryWriteBytes(bytes[80..], bigEndian: true, out _);
        keys.AikAuth.Span.CopyTo(bytes[96..]);
        keys.GroupKey.Span.CopyTo(bytes[116..]);
        keys.RollbackMacKey.Span.CopyTo(bytes[132..]);
        return made;
    }

    /// <summary>The image's keys; which counter and area are its, it does not tell.</summary>
    internal ImageKeys ToImageKeys() => new(ManagerUuid, 0, Auth(40), 0, Auth(60), Key(24, AesCmac.Size));

    /// <summary>The keys of group 0, if it is the one in that sector and they are still its.</summary>
    internal GroupKeys? TryOpen(in GroupSector content, ReadOnlySpan<byte> plain)
    {
        var keys = new GroupKeys(Key(96, TpmAuthData.Size), Key(116, AesCmac.Size), Key(132, AesCmac.Size));
        if (content.Uuid == GroupUuid && AesCmac.Verify(keys.GroupKey.Cipher, plain[..GroupSector.MacArea], content.Mac)) return keys;
        keys.Dispose();
        return null;
    }

    private TpmAuthData Auth(int offset) => new(_bytes.AsSpan(offset, TpmAuthData.Size));

    private KeyBytes Key(int offset, int length) => new(_bytes.AsSpan(offset, length));
}
