namespace Vtpm.Wire;

/// <summary>Numbers that Part 2 defines beside its structures.</summary>
public static class TpmDefines
{
    /// <summary>TPM_Vendor_Specific32, §2.2.4.</summary>
    public const uint VendorSpecific32 = 0x00000400;

    /// <summary>TPM_Vendor_Specific8, §2.2.4.</summary>
    public const byte VendorSpecific8 = 0x80;

    /// <summary>TPM_MIN_COUNTERS, §7.4.</summary>
    public const int MinCounters = 4;

    /// <summary>TPM_MAX_NV_WRITE_NOOWNER, §7.4.</summary>
    public const int MaxNvWriteNoOwner = 64;

    /// <summary>TPM_MIN_SESSIONS, §7.6.</summary>
    public const int MinSessions = 3;

    /// <summary>TPM_MIN_SESSION_LIST, §7.6.</summary>
    public const int MinSessionList = 16;

    /// <summary>TPM_NUM_FAMILY_TABLE_ENTRY_MIN, §20.6.</summary>
    public const int NumFamilyTableEntryMin = 8;

    /// <summary>TPM_NUM_DELEGATE_TABLE_ENTRY_MIN, §20.10.</summary>
    public const int NumDelegateTableEntryMin = 2;
}
