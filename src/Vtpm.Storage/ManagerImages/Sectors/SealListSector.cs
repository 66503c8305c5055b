using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Sectors 0 and 1: who may open root 0 or 1. In clear.</summary>
internal struct SealListSector : IWireStructure<SealListSector>
{
    public const int EntryCount = 13;

    /// <summary>What Xen's manager knows.</summary>
    public const uint OriginalVersion = 0;

    /// <summary>A group may have more platforms and kernels than its sector has room for.</summary>
    public const uint LongListsVersion = 1;

    public const uint CurrentVersion = LongListsVersion;

    public byte[] Magic;
    public uint Version;
    public uint Length;

    /// <summary>The sector where the list goes on, or 0. Only the entries, their number and this field count there.</summary>
    public uint Next;

    public SealEntry[] Entries;

    /// <summary>"TPM" FE "MGR" DD "DOM" 00.</summary>
    public static ReadOnlySpan<byte> ExpectedMagic => [0x54, 0x50, 0x4D, 0xFE, 0x4D, 0x47, 0x52, 0xDD, 0x44, 0x4F, 0x4D, 0x00];

    public static void Describe<TCodec>(ref TCodec wire, ref SealListSector value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Bytes(ref value.Magic, ExpectedMagic.Length);
        wire.UInt32(ref value.Version);
        wire.UInt32(ref value.Length);
        wire.UInt32(ref value.Next);
        wire.Structures(ref value.Entries, EntryCount);
    }
}
