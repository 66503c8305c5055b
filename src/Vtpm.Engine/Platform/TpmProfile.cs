using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Identity and limits of a TPM: what TPM_GetCapability reports, and what the engine holds itself to.</summary>
public sealed record TpmProfile
{
    /// <summary>The profile of Xen's vtpm-stubdom, so that clients see no change.</summary>
    public static TpmProfile Xen { get; } = new();

    /// <summary>TPM_CAP_PROP_MANUFACTURER: "ETHZ".</summary>
    public uint Manufacturer { get; init; } = 0x4554485A;

    /// <summary>revMajor and revMinor of <see cref="Version"/>, as tools print it: "1.2.0.7".</summary>
    public byte RevMajor { get; init; }

    public byte RevMinor { get; init; } = 7;

    /// <summary>TPM_VERSION (Part 2 §5.3) of the TPM: 1.2, and the revision of the firmware.</summary>
    public TpmVersion Version => new() { Major = 1, Minor = 2, RevMajor = RevMajor, RevMinor = RevMinor };

    /// <summary>TPM_CAP_VERSION_INFO specLevel: level 2.</summary>
    public ushort SpecLevel { get; init; } = 2;

    /// <summary>TPM_CAP_VERSION_INFO errataRev: that of revision 94, as Xen's clients know it, although revision 116 is what the engine follows.</summary>
    public byte ErrataRev { get; init; } = 1;

    /// <summary>TPM_CAP_VERSION_INFO: what TPM_GetCapability tells of the version, and TPM_Quote2 signs.</summary>
    public TpmCapVersionInfo VersionInfo => new()
    {
        Version = Version,
        SpecLevel = SpecLevel,
        ErrataRev = ErrataRev,
        TpmVendorId = Manufacturer,
    };

    /// <summary>Bytes of a command that the TPM takes, and of a response that it gives: one page less the header of Xen's shared page.</summary>
    public int InputBufferSize { get; init; } = 4088;

    /// <summary>Keys loaded at a time, besides the EK and the SRK.</summary>
    public int KeySlots { get; init; } = 20;

    /// <summary>Authorization sessions open at a time.</summary>
    public int AuthSessions { get; init; } = 32;

    /// <summary>Transport sessions open at a time.</summary>
    public int TransportSessions { get; init; } = 8;

    /// <summary>DAA sessions open at a time, of TPM_DAA_Join and TPM_DAA_Sign together.</summary>
    public int DaaSessions { get; init; } = 1;

    /// <summary>Session contexts saved outside at a time (TPM_MIN_SESSION_LIST is 16).</summary>
    public int ContextSlots { get; init; } = 64;

    /// <summary>How far contextCount may be ahead of the oldest context saved (TPM_CAP_PROP_CONTEXT_DIST; 2^16 - 1 at least). Counts are from 1 to 2^32 - 1.</summary>
    public uint ContextDistance { get; init; } = uint.MaxValue - 1;

    public int Counters { get; init; } = 8;

    /// <summary>Bytes of NV storage, each area with its own overhead included.</summary>
    public int NvSize { get; init; } = 16 * 1024;

    /// <summary>Writes to NV allowed while there is no owner (TPM_MAX_NV_WRITE_NOOWNER, Part 2 §7.4).</summary>
    public int NvWritesWithoutOwner { get; init; } = 64;

    /// <summary>
    /// Whether there are the maintenance commands of Part 3 §12, by which an owner and a manufacturer together take what cannot migrate to another TPM.
    /// A hole where no manufacturer has put its key before the TPM was sold (§12.4), so that a vTPM has them only if its host says so.
    /// </summary>
    public bool MaintenanceCommands { get; init; }

    /// <summary>Bytes that one TPM_SHA1Update may bring.</summary>
    public int Sha1MaxBytes { get; init; } = 2048;

    /// <summary>Microseconds: TPM_CAP_PROP_TIS_TIMEOUT a, b, c, d.</summary>
    public IReadOnlyList<uint> Timeouts { get; init; } = [750_000, 2_000_000, 750_000, 750_000];

    /// <summary>Microseconds: TPM_CAP_PROP_DURATION short, medium, long.</summary>
    public IReadOnlyList<uint> Durations { get; init; } = [3_000_000, 3_000_000, 600_000_000];
}
