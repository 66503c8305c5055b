namespace Vtpm.Client;

/// <summary><c>TPM_CAP</c> (TPM 2.0 Part 2 §6.12).</summary>
public enum TpmCap : uint
{
    Algs = 0,
    Handles = 1,
    Pcrs = 5,
    TpmProperties = 6,
    EccCurves = 8,
}

/// <summary><c>TPM_PT</c> (TPM 2.0 Part 2 §6.13).</summary>
public enum TpmPt : uint
{
    FamilyIndicator = 0x100,
    Level = 0x101,
    Revision = 0x102,
    Manufacturer = 0x105,
    FirmwareVersion1 = 0x10B,
    FirmwareVersion2 = 0x10C,
}

/// <summary><c>TPM_ECC_CURVE</c> (TPM 2.0 Part 2 §6.4).</summary>
public enum TpmEccCurve : ushort
{
    NistP256 = 0x0003,
    NistP384 = 0x0004,
    NistP521 = 0x0005,
}
