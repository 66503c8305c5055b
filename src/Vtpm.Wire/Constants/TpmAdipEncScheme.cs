namespace Vtpm.Wire;

/// <summary>The ADIP encryption schemes, Part 2 §4.3: the high byte of an entity type.</summary>
public enum TpmAdipEncScheme : byte
{
    Xor = 0x00,
    Aes128Ctr = 0x06,
}
