using System.Numerics;

namespace Vtpm.Storage;

/// <summary>
/// Where a save may write: to sectors that neither root uses, and when those run out, to the ones that only the other root uses. What a save releases
/// is the live root's until the save is durable, and the other root's from then until the next one.
/// </summary>
/// <remarks>
/// A save calls <see cref="Take"/> and <see cref="Release"/> as it goes, and ends with <see cref="Commit"/> or <see cref="Rollback"/>.
/// </remarks>
internal sealed class SectorSpace
{
    private const int WordBits = 64;

    // One bit for each sector, set while neither root uses it; none below this word is.
    private readonly ulong[] _free;
    private int _firstWord;

    private readonly List<uint> _takenFree = [];
    private readonly List<uint> _takenSpared = [];
    private List<uint> _spared = [];
    private List<uint> _released = [];

    /// <param name="live">What the live root uses. The other root's sectors are not known after a start.</param>
    public SectorSpace(SectorMap live)
    {
        _free = new ulong[(live.Count + WordBits - 1) / WordBits];
        for (uint sector = 0; sector < live.Count; sector++)
            if (!live[sector]) Add(sector);
    }

    /// <summary>Sectors that neither root uses.</summary>
    public int Free { get; private set; }

    /// <summary>Sectors that a save may write to.</summary>
    public int Available => Free + _spared.Count;

    public bool IsFree(uint sector) => (_free[sector / WordBits] & Bit(sector)) != 0;

    /// <summary>The lowest free sector, as the original; the other root's at last.</summary>
    /// <exception cref="InvalidOperationException">There is none: the save was to count before its first write.</exception>
    public uint Take()
    {
        if (Free == 0) return TakeSpared();
        while (_free[_firstWord] == 0) _firstWord++;
        uint sector = (uint)((_firstWord * WordBits) + BitOperations.TrailingZeroCount(_free[_firstWord]));
        _free[_firstWord] &= ~Bit(sector);
        Free--;
        _takenFree.Add(sector);
        return sector;
    }

    /// <summary>The new root will not use that sector.</summary>
    public void Release(uint sector) => _released.Add(sector);

    /// <summary>The new root is durable, and live; the root that was is now the other one.</summary>
    public void Commit()
    {
        _spared.ForEach(Add);
        _spared.Clear();
        (_spared, _released) = (_released, _spared);
        _takenFree.Clear();
        _takenSpared.Clear();
    }

    /// <summary>There is no new root.</summary>
    public void Rollback()
    {
        _takenFree.ForEach(Add);
        _spared.AddRange(_takenSpared);
        _takenFree.Clear();
        _takenSpared.Clear();
        _released.Clear();
    }

    private static ulong Bit(uint sector) => 1UL << (int)(sector % WordBits);

    private uint TakeSpared()
    {
        if (_spared.Count == 0) throw new InvalidOperationException("more sectors were needed than counted");
        uint sector = _spared[^1];
        _spared.RemoveAt(_spared.Count - 1);
        _takenSpared.Add(sector);
        return sector;
    }

    private void Add(uint sector)
    {
        int word = (int)(sector / WordBits);
        _free[word] |= Bit(sector);
        _firstWord = Math.Min(_firstWord, word);
        Free++;
    }
}
