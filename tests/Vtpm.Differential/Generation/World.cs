using System.Security.Cryptography;
using Vtpm.Differential.Commands;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

public sealed record WorldKey(int Number, OutsideKey Info);

public sealed record WorldBlob(int Number, int Parent, byte[] Secret, OutsideKey? Key = null);

public sealed record WorldArea(uint Index, TpmNvPermission Permission, uint Size);

/// <summary>What the generator believes of both TPMs, so that most of what it makes is valid. It may be wrong: then errors are compared.</summary>
public sealed class World
{
    public World(Beginning beginning)
    {
        IsOwned = beginning != Beginning.Unowned;
        ResetPcrs();
    }

    public bool IsOwned { get; set; }

    public byte[] OwnerAuth { get; set; } = Secrets.Owner;

    public byte[] SrkAuth { get; set; } = Secrets.WellKnown;

    public List<WorldKey> Keys { get; } = [];

    /// <summary>OIAP sessions that are open: for any secret.</summary>
    public List<int> Sessions { get; } = [];

    public List<WorldBlob> Sealed { get; } = [];

    public List<WorldBlob> WrappedKeys { get; } = [];

    public Dictionary<uint, WorldArea> Areas { get; } = [];

    public List<int> Counters { get; } = [];

    public List<int> Families { get; } = [];

    public List<int> OwnerDelegations { get; } = [];

    /// <summary>Transport sessions that are open.</summary>
    public List<int> Transports { get; } = [];

    public byte[][] Pcrs { get; } = new byte[24][];

    public bool IsPresent { get; set; }

    public int Locality { get; set; }

    /// <summary>Failed authorizations since they were last forgiven: from the sixth on, swtpm locks itself.</summary>
    public int Guesses { get; set; }

    /// <summary>The next number of a thing; the first ones are those of <see cref="Laboratory"/>.</summary>
    public int NextNumber { get; private set; } = 10;

    public int NewNumber() => NextNumber++;

    /// <summary>After a power cycle and TPM_Startup(ST_CLEAR).</summary>
    public void StartClear()
    {
        Keys.Clear();
        Sessions.Clear();
        Transports.Clear();
        IsPresent = false;
        Guesses = 0;
        ResetPcrs();
    }

    /// <summary>After the owner is gone.</summary>
    public void LoseOwner()
    {
        IsOwned = false;
        OwnerAuth = Secrets.Owner;
        SrkAuth = Secrets.WellKnown;
        Keys.Clear();
        Sealed.Clear();
        Families.Clear();
        OwnerDelegations.Clear();
        WrappedKeys.Clear();
        Counters.Clear();
        foreach (WorldArea area in Areas.Values.Where(area => (area.Index & TpmNvIndex.D) == 0).ToArray()) Areas.Remove(area.Index);
    }

    /// <summary>SHA-1 of the TPM_PCR_COMPOSITE of a selection.</summary>
    public byte[] CompositeHash(byte[] select)
    {
        byte[][] values = [.. Pcrs.Where((_, pcr) => pcr / 8 < select.Length && (select[pcr / 8] >> pcr % 8 & 1) == 1)];
        int size = 20 * values.Length;
        return SHA1.HashData((byte[])[0, (byte)select.Length, .. select, 0, 0, (byte)(size >> 8), (byte)size, .. values.SelectMany(value => value)]);
    }

    private void ResetPcrs()
    {
        for (int pcr = 0; pcr < Pcrs.Length; pcr++)
        {
            Pcrs[pcr] = new byte[20];
            if (pcr is >= 17 and <= 22) Array.Fill(Pcrs[pcr], (byte)0xFF);
        }
    }
}
