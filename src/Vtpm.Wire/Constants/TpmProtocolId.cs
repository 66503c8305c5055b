namespace Vtpm.Wire;

/// <summary><c>TPM_PROTOCOL_ID</c>, Part 2 §4.7.</summary>
public enum TpmProtocolId : ushort
{
    None = 0,
    Oiap = 0x0001,
    Osap = 0x0002,
    Adip = 0x0003,
    Adcp = 0x0004,
    Owner = 0x0005,
    Dsap = 0x0006,
    Transport = 0x0007,
}
