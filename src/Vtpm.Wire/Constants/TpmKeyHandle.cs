namespace Vtpm.Wire;

/// <summary>Reserved key handles, Part 2 §4.4.1 (TPM_KH_*).</summary>
public static class TpmKeyHandle
{
    public const uint Srk = 0x40000000;
    public const uint Owner = 0x40000001;
    public const uint Revoke = 0x40000002;
    public const uint Transport = 0x40000003;
    public const uint Operator = 0x40000004;
    public const uint Admin = 0x40000005;
    public const uint EK = 0x40000006;
}
