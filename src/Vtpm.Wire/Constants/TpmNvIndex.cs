namespace Vtpm.Wire;

/// <summary><c>TPM_NV_INDEX_*</c>, Part 2 §19.1: required and reserved NV indexes, and the attribute bits of an index.</summary>
public static class TpmNvIndex
{
    /// <summary>Turns NV authorization on for good.</summary>
    public const uint Lock = 0xFFFFFFFF;

    /// <summary>Writing it sets bGlobalLock.</summary>
    public const uint Index0 = 0x00000000;

    /// <summary>The DIR of version 1.1.</summary>
    public const uint Dir = 0x10000001;

    /// <summary>The first of the range 0x0000Fxxx.</summary>
    public const uint Tpm = 0x0000F000;
    public const uint EKCert = 0x0000F000;
    public const uint TpmCC = 0x0000F001;
    public const uint PlatformCert = 0x0000F002;
    public const uint PlatformCC = 0x0000F003;

    /// <summary>TPM_NV_DefineSpace on it only asks whether there is room.</summary>
    public const uint Trial = 0x0000F004;

    /// <summary>The first of the range 0x0001xxxx.</summary>
    public const uint Pc = 0x00010000;

    /// <summary>The first of the range 0x000116xx.</summary>
    public const uint GpioXX = 0x00011600;
    public const uint Pda = 0x00020000;
    public const uint Mobile = 0x00030000;
    public const uint Server = 0x00040000;
    public const uint Peripheral = 0x00050000;
    public const uint Tss = 0x00060000;

    /// <summary>T: controlled by the TPM's manufacturer.</summary>
    public const uint T = 0x80000000;

    /// <summary>P: controlled by the platform's manufacturer.</summary>
    public const uint P = 0x40000000;

    /// <summary>U: controlled by the user.</summary>
    public const uint U = 0x20000000;

    /// <summary>D: permanently defined.</summary>
    public const uint D = 0x10000000;
    public const uint Reserved = 0x0F000000;
    public const uint Purview = 0x00FF0000;
}
