namespace Vtpm.Wire;

/// <summary><c>TPM_ENC_SCHEME</c>, Part 2 §5.8.1.</summary>
public enum TpmEncScheme : ushort
{
    None0 = 0,
    None = 0x0001,
    RsaesPkcsV15 = 0x0002,
    RsaesOaepSha1Mgf1 = 0x0003,
    SymCtr = 0x0004,
    SymOfb = 0x0005,
}
