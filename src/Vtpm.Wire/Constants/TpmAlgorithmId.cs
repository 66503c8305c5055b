namespace Vtpm.Wire;

/// <summary><c>TPM_ALGORITHM_ID</c>, Part 2 §4.8.</summary>
public enum TpmAlgorithmId : uint
{
    None = 0,
    Rsa = 0x01,
    Sha = 0x04,
    Hmac = 0x05,
    Aes128 = 0x06,
    Mgf1 = 0x07,
    Aes192 = 0x08,
    Aes256 = 0x09,
    Xor = 0x0A,
}
