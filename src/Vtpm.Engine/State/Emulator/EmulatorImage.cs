using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>The state of a TPM emulator of version 0.7, as far as it outlives the power. The order of the fields is the layout.</summary>
internal struct EmulatorImage : IWireStructure<EmulatorImage>
{
    /// <summary>TPM_VERSION 1.2.0.7: it begins with it.</summary>
    public const uint Version = 0x01020007;

    public const int NvSize = 4096;

    private const int Counters = 4;
    private const int PcrRows = 24;
    private const int AuditBytes = 32;
    private const int Families = 16;
    private const int Delegations = 4;
    private const int NvAreaRows = 20;
    private const int KeySlots = 10;

    public TpmPermanentFlags Flags;
    public bool IsOwned;
    public Secret? TpmProof;
    public Secret? EKReset;
    public Secret? OwnerAuth;
    public Secret? OperatorAuth;
    public Secret? DaaSeed;
    public Secret? DaaProof;
    public EmulatorRsa EndorsementKey;
    public EmulatorKey Srk;
    public uint AuditMonotonicCounter;
    public EmulatorCounter[] CounterRows;
    public ReadOnlyMemory<byte> AuditStatus;
    public EmulatorFamily?[] FamilyRows;
    public EmulatorDelegation?[] DelegationRows;
    public uint LastFamilyId;
    public uint RestrictDelegate;
    public uint NoOwnerNvWrite;
    public ReadOnlyMemory<byte> NvData;
    public EmulatorNvArea?[] NvAreas;
    public EmulatorKey[] Keys;

    public static void Describe<TCodec>(ref TCodec wire, ref EmulatorImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        bool selfTestSucceeded = false;
        wire.Constant(Version);
        wire.Structure(ref value.Flags);
        wire.Bool(ref selfTestSucceeded);
        wire.Bool(ref value.IsOwned);
        wire.Tag(TpmStructureTag.PermanentData);
        wire.Constant(Version);
        DescribeSecrets(ref wire, ref value);
        DescribeTables(ref wire, ref value);
        // Time-outs, and what the next TPM_Startup would have ended.
        ReadOnlyMemory<byte> rest = default;
        wire.Rest(ref rest);
    }

    private static void DescribeSecrets<TCodec>(ref TCodec wire, ref EmulatorImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        const int symmetricKeys = 3 * 32;
        wire.FixedSecret(ref value.TpmProof);
        wire.FixedSecret(ref value.EKReset);
        wire.FixedSecret(ref value.OwnerAuth);
        wire.FixedSecret(ref value.OperatorAuth);
        wire.FixedSecret(ref value.DaaSeed);
        wire.FixedSecret(ref value.DaaProof);
        DescribeMaintenanceKey(ref wire);
        wire.Structure(ref value.EndorsementKey);
        wire.Structure(ref value.Srk);
        // Of contexts, delegations and DAA sessions that are outside. Ours has ciphers of its own for them.
        wire.Skip(symmetricKeys);
        wire.UInt32(ref value.AuditMonotonicCounter);
    }

    // The manufacturer's, of whom there is none.
    private static void DescribeMaintenanceKey<TCodec>(ref TCodec wire)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        bool isThere = false;
        wire.Bool(ref isThere);
        if (!isThere) return;
        ushort modulus = 0, exponent = 0;
        ReadOnlyMemory<byte> key = default;
        wire.Skip(2 * sizeof(ushort));
        wire.UInt16(ref modulus);
        wire.UInt16(ref exponent);
        wire.Run(ref key, modulus + exponent);
    }

    private static void DescribeTables<TCodec>(ref TCodec wire, ref EmulatorImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        const int pcrRow = 3 + TpmDigest.Size, random = 16;
        value.CounterRows = new EmulatorCounter[Counters];
        foreach (ref EmulatorCounter counter in value.CounterRows.AsSpan()) wire.Structure(ref counter);
        wire.Skip(PcrRows * pcrRow);
        wire.Run(ref value.AuditStatus, AuditBytes);
        wire.Skip(random);
        wire.Rows(ref value.FamilyRows, Families);
        wire.Rows(ref value.DelegationRows, Delegations);
        wire.UInt32(ref value.LastFamilyId);
        wire.UInt32(ref value.RestrictDelegate);
        wire.Skip(sizeof(uint));
        wire.UInt32(ref value.NoOwnerNvWrite);
        wire.Skip(sizeof(uint));
        wire.Run(ref value.NvData, NvSize);
        wire.Rows(ref value.NvAreas, NvAreaRows);
        value.Keys = new EmulatorKey[KeySlots];
        foreach (ref EmulatorKey key in value.Keys.AsSpan()) wire.Structure(ref key);
    }
}
