namespace Vtpm.Wire;

/// <summary><c>TPM_TRANSPORT_ATTRIBUTES</c>, Part 2 §13.1.1.</summary>
[Flags]
public enum TpmTransportAttributes : uint
{
    None = 0,
    Encrypt = 0x00000001,
    Log = 0x00000002,
    Exclusive = 0x00000004,
}
