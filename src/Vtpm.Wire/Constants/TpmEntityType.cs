namespace Vtpm.Wire;

/// <summary><c>TPM_ENTITY_TYPE</c>, Part 2 §4.3: the low byte; the high byte is the ADIP encryption scheme.</summary>
public enum TpmEntityType : byte
{
    None = 0,
    KeyHandle = 0x01,
    Owner = 0x02,
    Data = 0x03,
    Srk = 0x04,
    Key = 0x05,
    Revoke = 0x06,
    DelegateOwnerBlob = 0x07,
    DelegateRow = 0x08,
    DelegateKeyBlob = 0x09,
    Counter = 0x0A,
    Nv = 0x0B,
    Operator = 0x0C,
    ReservedHandle = 0x40,
}
