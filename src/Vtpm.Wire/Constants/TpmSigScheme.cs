namespace Vtpm.Wire;

/// <summary><c>TPM_SIG_SCHEME</c>, Part 2 §5.8.1.</summary>
public enum TpmSigScheme : ushort
{
    None0 = 0,
    None = 0x0001,
    RsaSsaPkcs1V15Sha1 = 0x0002,
    RsaSsaPkcs1V15Der = 0x0003,
    RsaSsaPkcs1V15Info = 0x0004,
}
