using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>The NV areas that are defined (Part 2 §19, Part 3 §20), in the order of their indexes. Immutable.</summary>
public sealed class NvStorage
{
    /// <summary>What an area takes besides its data: TPM_NV_DATA_SENSITIVE with PCR selections of three bytes.</summary>
    public const int AreaOverhead = 93;

    private readonly NvArea[] _areas;

    private NvStorage(NvArea[] areas) => _areas = areas;

    public static NvStorage Empty { get; } = new([]);

    public ReadOnlySpan<NvArea> Areas => _areas;

    /// <summary>Bytes taken, the overhead of every area included.</summary>
    public int Used => _areas.Sum(area => area.Data.Length + AreaOverhead);

    /// <exception cref="ArgumentException">Two areas have the same index.</exception>
    public static NvStorage Of(IEnumerable<NvArea> areas)
    {
        NvArea[] sorted = [.. areas.OrderBy(area => area.Index)];
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Index == sorted[i - 1].Index) throw new ArgumentException($"NV index {sorted[i].Index:x8} is there twice", nameof(areas));
        }

        return new(sorted);
    }

    public NvArea? Find(uint index) => Array.Find(_areas, area => area.Index == index);

    /// <summary>Defines an area, or puts it in the place of the one with its index.</summary>
    public NvStorage With(NvArea area) => Find(area.Index) == area ? this : Of(Without(area.Index)._areas.Append(area));

    public NvStorage Without(uint index) => Find(index) is null ? this : new(Array.FindAll(_areas, area => area.Index != index));

    /// <summary>What is left when the owner is cleared.</summary>
    public NvStorage WithoutOwnerAreas() => Array.Exists(_areas, area => area.BelongsToOwner) ? new(Array.FindAll(_areas, area => !area.BelongsToOwner)) : this;

    /// <summary>What is left when trust is revoked: areas whose index has the D bit go, too (Part 3 §14.3 action 4a).</summary>
    public NvStorage WithoutManufacturerAreas() => new(Array.FindAll(_areas, area => (area.Index & TpmNvIndex.D) == 0));

    /// <summary>The largest area that can still be defined: one that fits the memory, and that one command could fill (Part 1 §28).</summary>
    public int Available(TpmProfile profile) => Math.Clamp(profile.NvSize - Used - AreaOverhead, 0, profile.InputBufferSize);
}
