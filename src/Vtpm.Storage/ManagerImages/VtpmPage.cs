using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>The vTPMs of one sector.</summary>
internal sealed class VtpmPage(int index)
{
    /// <summary>Its place in the group, for good: pages come and go at the end.</summary>
    public int Index { get; } = index;

    public List<ManagerVtpm> Vtpms { get; } = new(VtpmSector.VtpmCount);

    /// <summary>Where the live root has it; nowhere when it was never saved.</summary>
    public SectorReference? Disk { get; set; }

    /// <summary>The next save writes it: it was changed, or is new.</summary>
    public bool IsDirty { get; set; }

    /// <summary>The sector as it was read, when the group is closed: its key data can be carried along, not opened.</summary>
    public byte[]? Closed { get; set; }

    /// <summary>The plaintext of the sector; zero it after use.</summary>
    public byte[] Serialise(KeyBytes? groupKey)
    {
        if (Closed is not null) return (byte[])Closed.Clone();
        var sector = new VtpmSector
        {
            Headers = new VtpmHeader[VtpmSector.VtpmCount],
            Counter = RandomNumberGenerator.GetBytes(HostOrderCtr.CounterSize),
            KeyData = new byte[VtpmSector.VtpmCount * VtpmSector.KeyDataSize],
        };
        for (int i = 0; i < Vtpms.Count; i++)
        {
            sector.Headers[i] = new VtpmHeader { Uuid = Vtpms[i].Uuid, Flags = (uint)Vtpms[i].Flags };
            Vtpms[i].KeyData.CopyTo(sector.KeyData.AsSpan(i * VtpmSector.KeyDataSize));
        }

        HostOrderCtr.Transform((groupKey ?? throw ManagerGroup.Closed()).Cipher, sector.Counter, sector.KeyData);
        return WireFormat.ToBytes(sector);
    }
}
