namespace Vtpm.Storage;

/// <summary>Which sectors a root uses, as they are found.</summary>
internal sealed class SectorMap
{
    private readonly bool[] _used;

    public SectorMap(uint count)
    {
        _used = new bool[count];
        _used.AsSpan(0, (int)SectorDisk.FirstFree).Fill(true);
    }

    public uint Count => (uint)_used.Length;

    public bool this[uint sector] => _used[sector];

    /// <summary>False when it is no sector that can be allocated, or is used already: a location that no honest writer made.</summary>
    public bool TryUse(uint sector)
    {
        if (sector >= _used.Length || _used[sector]) return false;
        _used[sector] = true;
        return true;
    }
}
