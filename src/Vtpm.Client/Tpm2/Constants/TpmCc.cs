namespace Vtpm.Client;

/// <summary><c>TPM_CC</c> (TPM 2.0 Part 2 §6.5): the commands that this client has.</summary>
public enum TpmCc : uint
{
    EvictControl = 0x120,
    NvUndefineSpace = 0x122,
    NvDefineSpace = 0x12A,
    CreatePrimary = 0x131,
    NvIncrement = 0x134,
    NvWrite = 0x137,
    SelfTest = 0x143,
    Startup = 0x144,
    NvRead = 0x14E,
    Create = 0x153,
    Load = 0x157,
    Unseal = 0x15E,
    FlushContext = 0x165,
    NvReadPublic = 0x169,
    PolicyLocality = 0x16F,
    ReadPublic = 0x173,
    StartAuthSession = 0x176,
    GetCapability = 0x17A,
    GetRandom = 0x17B,
    PcrRead = 0x17E,
    PolicyPcr = 0x17F,
    PcrExtend = 0x182,
}
