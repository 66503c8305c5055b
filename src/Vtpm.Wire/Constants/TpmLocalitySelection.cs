namespace Vtpm.Wire;

/// <summary><c>TPM_LOCALITY_SELECTION</c>, Part 2 §8.6: a bit for each of the localities 0 to 4.</summary>
[Flags]
public enum TpmLocalitySelection : byte
{
    None = 0,
    Zero = 0x01,
    One = 0x02,
    Two = 0x04,
    Three = 0x08,
    Four = 0x10,
    All = 0x1F,
}
