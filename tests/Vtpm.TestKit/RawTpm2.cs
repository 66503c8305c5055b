using System.Buffers.Binary;

namespace Vtpm.TestKit;

/// <summary>
/// A TPM 2.0 commanded in bytes, with passwords: independent of the client, and able to do what that has no methods for. What is expected to fail is
/// sent by <see cref="Send"/>.
/// </summary>
public sealed class RawTpm2(Func<byte[], byte[]> exchange)
{
    public const uint Owner = 0x40000001;
    public const uint Lockout = 0x4000000A;
    public const uint Platform = 0x4000000C;

    private const int HeaderLength = 10;

    /// <summary>The TCG's storage key on P-256.</summary>
    public static byte[] EccStorageKey => Convert.FromHexString("0023000b0003047200000006008000430010000300100020" + Zeroes(32) + "0020" + Zeroes(32));

    /// <summary>The TCG's storage key with RSA-2048.</summary>
    public static byte[] RsaStorageKey => Convert.FromHexString("0001000b00030472000000060080004300100800000000000100" + Zeroes(256));

    /// <summary>A restricted signing key on P-256 (ECDSA with SHA-256), under which nothing can be sealed.</summary>
    public static byte[] SigningKey => Convert.FromHexString("0023000b00050472000000100018000b0003001000000000");

    /// <summary>A storage key that can be taken to another TPM: fixedTPM and fixedParent are clear.</summary>
    public static byte[] MovableStorageKey
    {
        get
        {
            byte[] key = EccStorageKey;
            BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(4), 0x00030460);
            return key;
        }
    }

    public static byte[] Sized(byte[] bytes) => [(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];

    public static byte[] BigEndian(uint value)
    {
        byte[] bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public static uint CodeOf(byte[] response) => BinaryPrimitives.ReadUInt32BigEndian(response.AsSpan(6));

    /// <summary>Sends a command with one password, or without any.</summary>
    /// <returns>The whole response.</returns>
    public byte[] Send(uint command, uint[] handles, byte[]? password, params byte[] parameters)
    {
        byte[] auth = password is null ? [] : [0x40, 0, 0, 9, 0, 0, 0, .. Sized(password)];
        byte[] body = [.. handles.SelectMany(BigEndian), .. password is null ? [] : BigEndian((uint)auth.Length), .. auth, .. parameters];
        return exchange([0x80, (byte)(password is null ? 1 : 2), .. BigEndian((uint)(HeaderLength + body.Length)), .. BigEndian(command), .. body]);
    }

    /// <summary>TPM2_HierarchyChangeAuth of the owner.</summary>
    public void SetOwnerAuth(byte[] auth) => Success(0x129, [Owner], [], Sized(auth));

    /// <summary>TPM2_Clear: a new storage hierarchy.</summary>
    public void Clear() => Success(0x126, [Lockout], []);

    /// <summary>TPM2_CreatePrimary in the owner's hierarchy; returns the handle.</summary>
    public uint CreatePrimary(byte[] template, byte[] userAuth, byte[]? ownerAuth = null) => BinaryPrimitives.ReadUInt32BigEndian(
        Success(0x131, [Owner], ownerAuth ?? [], [.. Sized([.. Sized(userAuth), 0, 0]), .. Sized(template), 0, 0, 0, 0, 0, 0]).AsSpan(HeaderLength));

    /// <summary>A primary key that stays.</summary>
    public void MakePersistent(byte[] template, uint persistentHandle, byte[]? userAuth = null)
    {
        uint handle = CreatePrimary(template, userAuth ?? []);
        Evict(handle, persistentHandle);
        Flush(handle);
    }

    /// <summary>TPM2_EvictControl.</summary>
    public void Evict(uint handle, uint persistentHandle) => Success(0x120, [Owner, handle], [], BigEndian(persistentHandle));

    /// <summary>TPM2_FlushContext.</summary>
    public void Flush(uint handle) => Success(0x165, [], null, BigEndian(handle));

    /// <summary>TPM2_GetCapability(TPM_CAP_HANDLES).</summary>
    public uint[] Handles(uint first)
    {
        byte[] response = Success(0x17A, [], null, [0, 0, 0, 1, .. BigEndian(first), 0, 0, 0, 100]);
        return [.. Enumerable.Range(0, BinaryPrimitives.ReadInt32BigEndian(response.AsSpan(15))).Select(i => BinaryPrimitives.ReadUInt32BigEndian(response.AsSpan(19 + 4 * i)))];
    }

    /// <summary>TPM2_PCR_Read of one PCR of a bank.</summary>
    public byte[] PcrRead(ushort bank, int pcr)
    {
        byte[] select = new byte[3];
        select[pcr / 8] = (byte)(1 << pcr % 8);
        byte[] response = Success(0x17E, [], null, [0, 0, 0, 1, (byte)(bank >> 8), (byte)bank, 3, .. select]);
        return response[^BinaryPrimitives.ReadUInt16BigEndian(response.AsSpan(28))..];
    }

    /// <summary>TPM2_PCR_Extend of one bank.</summary>
    public void PcrExtend(ushort bank, uint pcr, byte[] digest) => Success(0x182, [pcr], [], [0, 0, 0, 1, (byte)(bank >> 8), (byte)bank, .. digest]);

    /// <summary>TPM2_PCR_Allocate: these banks alone are active from the next start on.</summary>
    public void Allocate(params ushort[] active)
    {
        ushort[] all = [0x04, 0x0B, 0x0C, 0x0D];
        byte[] list = [.. all.SelectMany(bank => (byte[])[0, (byte)bank, 3, .. Enumerable.Repeat(active.Contains(bank) ? (byte)0xFF : (byte)0, 3)])];
        Success(0x12B, [Platform], [], [0, 0, 0, (byte)all.Length, .. list]);
    }

    private static string Zeroes(int count) => new('0', 2 * count);

    private byte[] Success(uint command, uint[] handles, byte[]? password, params byte[] parameters)
    {
        byte[] response = Send(command, handles, password, parameters);
        return CodeOf(response) == 0 ? response : throw new InvalidOperationException($"command 0x{command:x} was answered 0x{CodeOf(response):x}");
    }
}
