namespace Vtpm.Wire;

/// <summary><c>TPM_KEY_USAGE</c>, Part 2 §5.8.</summary>
public enum TpmKeyUsage : ushort
{
    None = 0,
    Signing = 0x0010,
    Storage = 0x0011,
    Identity = 0x0012,
    AuthChange = 0x0013,
    Bind = 0x0014,
    Legacy = 0x0015,
    Migrate = 0x0016,
}
