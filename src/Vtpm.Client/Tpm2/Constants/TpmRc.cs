namespace Vtpm.Client;

/// <summary><c>TPM_RC</c> (TPM 2.0 Part 2 §6.6), without the number of the handle, session or parameter that a format-one code names.</summary>
public enum TpmRc : uint
{
    Success = 0,

    /// <summary>Also what a TPM 1.2 answers a command of TPM 2.0: TPM_BADTAG.</summary>
    BadTag = 0x01E,
    Attributes = 0x082,
    Hash = 0x083,
    Value = 0x084,
    Hierarchy = 0x085,
    Handle = 0x08B,
    Range = 0x08D,
    AuthFail = 0x08E,
    Size = 0x095,
    Symmetric = 0x096,
    Key = 0x09C,
    PolicyFail = 0x09D,
    Integrity = 0x09F,
    BadAuth = 0x0A2,
    Curve = 0x0A6,
    Initialize = 0x100,
    Failure = 0x101,
    Disabled = 0x120,
    AuthType = 0x124,
    Pcr = 0x127,
    PcrChanged = 0x128,
    AuthUnavailable = 0x12F,
    Reboot = 0x130,
    CommandSize = 0x142,
    CommandCode = 0x143,
    NvRange = 0x146,
    NvSize = 0x147,
    NvLocked = 0x148,
    NvAuthorization = 0x149,
    NvUninitialized = 0x14A,
    NvSpace = 0x14B,
    NvDefined = 0x14C,
    ContextGap = 0x901,
    ObjectMemory = 0x902,
    SessionMemory = 0x903,
    Memory = 0x904,
    SessionHandles = 0x905,
    ObjectHandles = 0x906,
    Locality = 0x907,
    Yielded = 0x908,
    Canceled = 0x909,
    Testing = 0x90A,

    /// <summary>The first of seven: what the n-th handle names is not loaded.</summary>
    ReferenceH0 = 0x910,

    /// <summary>The first of seven: the n-th session is not there.</summary>
    ReferenceS0 = 0x918,
    NvRate = 0x920,
    Lockout = 0x921,
    Retry = 0x922,
    NvUnavailable = 0x923,
}

/// <summary>What a response code says.</summary>
internal static class TpmRcExtensions
{
    private const uint FormatOne = 0x80;

    /// <summary>A code about a handle, a session or a parameter.</summary>
    public static bool IsFormatOne(this TpmRc code) => ((uint)code & FormatOne) != 0;

    /// <summary>The code without the number of what it is about.</summary>
    public static TpmRc Base(this TpmRc code) => code.IsFormatOne() ? (TpmRc)((uint)code & 0xBF) : code;

    /// <summary>The command was well and the moment was not: the same bytes may be sent again.</summary>
    public static bool IsBusy(this TpmRc code) =>
        code is TpmRc.Retry or TpmRc.Yielded or TpmRc.Testing or TpmRc.Canceled or TpmRc.NvRate or TpmRc.NvUnavailable;
}
