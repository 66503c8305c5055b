namespace Vtpm.Wire;

/// <summary><c>TPM_RESOURCE_TYPE</c>, Part 2 §4.1.</summary>
public enum TpmResourceType : uint
{
    None = 0,
    Key = 0x01,
    Auth = 0x02,
    Hash = 0x03,
    Trans = 0x04,
    Context = 0x05,
    Counter = 0x06,
    Delegate = 0x07,
    DaaTpm = 0x08,
    DaaV0 = 0x09,
    DaaV1 = 0x0A,
}
