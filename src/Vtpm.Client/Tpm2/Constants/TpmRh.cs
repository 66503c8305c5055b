namespace Vtpm.Client;

/// <summary><c>TPM_HANDLE</c>s (TPM 2.0 Part 2 §7): those that are always there, and where the ranges of the others begin.</summary>
public static class TpmRh
{
    public const uint NvIndexFirst = 0x01000000;
    public const uint LoadedSessionFirst = 0x02000000;
    public const uint SavedSessionFirst = 0x03000000;
    public const uint Owner = 0x40000001;
    public const uint Null = 0x40000007;
    public const uint TransientFirst = 0x80000000;
    public const uint PersistentFirst = 0x81000000;
    public const uint PersistentLast = 0x817FFFFF;

    /// <summary>Where the storage root key is by the TCG's provisioning guidance.</summary>
    public const uint StorageRootKey = 0x81000001;

    /// <summary>The most significant byte tells what a handle names.</summary>
    public static bool IsTransient(uint handle) => handle >> 24 == TransientFirst >> 24;
}
