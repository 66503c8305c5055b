namespace Vtpm.Wire;

/// <summary><c>TPM_AUTH_DATA_USAGE</c>, Part 2 §5.9.</summary>
public enum TpmAuthDataUsage : byte
{
    Never = 0x00,
    Always = 0x01,
    PrivUseOnly = 0x03,
}
