namespace Vtpm.Wire;

/// <summary><c>deferredPhysicalPresence</c>, Part 2 §7.5.2: commands for which physical presence was asserted beforehand.</summary>
[Flags]
public enum TpmDeferredPhysicalPresence : uint
{
    None = 0,
    UnownedFieldUpgrade = 1 << 0,
}
