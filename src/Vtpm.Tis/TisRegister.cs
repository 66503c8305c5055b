namespace Vtpm.Tis;

/// <summary>Where the registers are in a locality's page (PC Client TPM Interface Specification 1.2 and 1.3).</summary>
internal static class TisRegister
{
    /// <summary>Who uses the TPM: <see cref="TisAccess"/>, one byte.</summary>
    public const int Access = 0x000;

    /// <summary>Where a command stands: <see cref="TisStatus"/> in the first byte, the burst count in the two that follow.</summary>
    public const int Status = 0x018;

    /// <summary>Takes the bytes of a command and gives those of its response.</summary>
    public const int DataFifo = 0x024;

    /// <summary>Which interface this is, on TPMs that have several.</summary>
    public const int InterfaceId = 0x030;

    /// <summary>Vendor and device, readable at any time.</summary>
    public const int DeviceAndVendor = 0xF00;

    /// <summary>What a bus reads where nothing answers, and a TPM from a locality that is not the active one.</summary>
    public const byte Nothing = 0xFF;
}

/// <summary>TPM_ACCESS_x: bits read, and commands written one at a time.</summary>
[Flags]
internal enum TisAccess : byte
{
    None = 0,

    /// <summary>Read: this locality has asked and waits. Written: it asks.</summary>
    RequestUse = 0x02,

    /// <summary>Another locality has asked and waits.</summary>
    PendingRequest = 0x04,

    /// <summary>Read: this locality was the active one and lost the TPM to a higher one. Written: noted.</summary>
    BeenSeized = 0x10,

    /// <summary>Read: this locality is the active one. Written: it is that no more, or withdraws its request.</summary>
    ActiveLocality = 0x20,

    /// <summary>The other bits are valid.</summary>
    Valid = 0x80,

    /// <summary>Nothing answers.</summary>
    Absent = TisRegister.Nothing,
}

/// <summary>The first byte of TPM_STS_x: bits read, and commands written one at a time.</summary>
[Flags]
internal enum TisStatus : byte
{
    None = 0,

    /// <summary>Written: give the response once more from its beginning.</summary>
    ResponseRetry = 0x02,

    /// <summary>The TPM wants more bytes of the command.</summary>
    Expect = 0x08,

    /// <summary>The TPM has more bytes of the response.</summary>
    DataAvail = 0x10,

    /// <summary>Written: execute what was sent.</summary>
    Go = 0x20,

    /// <summary>Read: the TPM waits for a command. Written: it is to, whatever it is doing.</summary>
    CommandReady = 0x40,

    /// <summary>Expect and DataAvail are valid.</summary>
    Valid = 0x80,

    /// <summary>This locality is not the active one, or nothing answers.</summary>
    NotOurs = TisRegister.Nothing,
}
