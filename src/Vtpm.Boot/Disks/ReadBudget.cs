namespace Vtpm.Boot;

/// <summary>What may still be read of a disk: a file system that was made to be searched for days ends with it.</summary>
/// <param name="most">Bytes.</param>
internal sealed class ReadBudget(long most)
{
    /// <summary>What a read costs, however short it is, as bytes.</summary>
    private const int CostOfRead = 512;

    private long _taken;

    /// <exception cref="BootException">It is used up.</exception>
    public void Take(int length)
    {
        if ((_taken += length + CostOfRead) > most) throw new BootException("the guest's disk makes reading it endless");
    }
}
