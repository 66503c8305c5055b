using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>The store as sectors of 4096 bytes, in clear or encrypted: CMAC 16 || counter 16 || 4064 bytes; the CMAC covers the 4064 only.</summary>
internal sealed class SectorDisk(IBlockStore store)
{
    public const int SectorSize = 4096;
    public const int PlainSize = SectorSize - AesCmac.Size - HostOrderCtr.CounterSize;

    /// <summary>The first sector that is allocated.</summary>
    public const uint FirstFree = 4;

    // 256 MiB, three million vTPMs: bounds the maps of sectors.
    private const long MostSectors = 1 << 16;

    private readonly byte[] _sector = new byte[SectorSize];

    /// <summary>The original uses 512 of them; a larger store has more, and the original cannot read an image that needs them.</summary>
    public uint Count { get; } = (uint)Math.Min(MostSectors, store.Length / SectorSize);

    public bool IsZero() => BlockRange.IsZero(store);

    public void ReadClear(uint sector, Span<byte> destination) => store.Read((long)sector * SectorSize, destination);

    public void WriteClear(uint sector, ReadOnlySpan<byte> content)
    {
        _sector.AsSpan().Clear();
        content.CopyTo(_sector);
        store.Write((long)sector * SectorSize, _sector);
    }

    /// <summary>Fills <paramref name="plain"/> (4064 bytes); false when the sector does not verify.</summary>
    public bool TryRead(Aes key, uint sector, Span<byte> plain)
    {
        ReadClear(sector, _sector);
        ReadOnlySpan<byte> body = _sector.AsSpan(SectorSize - PlainSize);
        if (!AesCmac.Verify(key, body, _sector.AsSpan(0, AesCmac.Size))) return false;
        body.CopyTo(plain);
        HostOrderCtr.Transform(key, _sector.AsSpan(AesCmac.Size, HostOrderCtr.CounterSize), plain[..PlainSize]);
        return true;
    }

    /// <summary>Encrypts and writes; what the content leaves of the sector are encrypted zeros.</summary>
    public void Write(Aes key, uint sector, ReadOnlySpan<byte> content)
    {
        Span<byte> counter = _sector.AsSpan(AesCmac.Size, HostOrderCtr.CounterSize);
        Span<byte> body = _sector.AsSpan(SectorSize - PlainSize);
        RandomNumberGenerator.Fill(counter);
        content.CopyTo(body);
        body[content.Length..].Clear();
        HostOrderCtr.Transform(key, counter, body);
        AesCmac.Compute(key, body, _sector);
        store.Write((long)sector * SectorSize, _sector);
    }

    /// <summary>The structure at the start of a sector's plaintext; never fails, since every layout is shorter than the sector.</summary>
    public static T Parse<T>(ReadOnlySpan<byte> plain)
        where T : struct, IWireStructure<T>
    {
        var reader = new WireReader(plain);
        T value = default;
        T.Describe(ref reader, ref value);
        return value;
    }

    /// <summary>The whole plaintext of a sector with this content.</summary>
    public static byte[] Fill(ReadOnlySpan<byte> content)
    {
        var plain = new byte[PlainSize];
        content.CopyTo(plain);
        return plain;
    }

    public void Flush() => store.Flush();
}
