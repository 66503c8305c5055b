using System.Buffers.Binary;
using System.Collections.Frozen;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// The state of the TPM emulator that Xen's vtpm-stubdom is made of (version 0.7): a vTPM of a site that comes over goes on with its keys, its owner,
/// its NV storage and its counters.
/// </summary>
/// <remarks>
/// What is encrypted outside under keys that no one else is to know is not known here: saved contexts, which outlive no TPM_Startup anyway, delegations
/// in the hands of delegates, and DAA sessions that were not finished.
/// </remarks>
public static class EmulatorState
{
    private const int AuditOrdinals = 256;
    private const uint KeyHandles = 0x01000000;
    private const uint CounterHandles = 0x06000000;

    /// <summary>Whether the bytes are such a state: they begin with its version.</summary>
    public static bool Is(ReadOnlySpan<byte> state) =>
        BinaryPrimitives.TryReadUInt32BigEndian(state, out uint version) && version == EmulatorImage.Version;

    /// <summary>The state in <paramref name="bytes"/>, as one of this engine.</summary>
    /// <param name="bytes">All of the state.</param>
    /// <param name="fresh">A TPM that was manufactured for it: the secrets that it cannot have brought.</param>
    /// <param name="commands">Which of them are audited if nobody says otherwise.</param>
    /// <param name="rsa">RSA.</param>
    /// <exception cref="StateFormatException">It is damaged, or has what this engine has no room for.</exception>
    public static PermanentState Read(ReadOnlySpan<byte> bytes, PermanentState fresh, CommandTable commands, ITpmRsa rsa)
    {
        ArgumentNullException.ThrowIfNull(fresh);
        ArgumentNullException.ThrowIfNull(commands);
        ArgumentNullException.ThrowIfNull(rsa);
        if (WireFormat.Read(bytes, out EmulatorImage image) != TpmResult.Success)
            throw new StateFormatException("this begins as a state of Xen's vtpm-stubdom, but is damaged");
        try
        {
            return Convert(image, fresh, commands, rsa);
        }
        catch (ArgumentException exception)
        {
            throw new StateFormatException($"this is a state of Xen's vtpm-stubdom that cannot be taken over: {exception.Message}");
        }
    }

    private static PermanentState Convert(in EmulatorImage image, PermanentState fresh, CommandTable commands, ITpmRsa rsa)
    {
        PermanentData data = DataOf(image, fresh.Data, commands, rsa);
        return new PermanentState
        {
            // Whoever has made the key has said nothing about who may revoke it: the emulator has the same secret for it everywhere.
            Flags = image.Flags with { EnableRevokeEK = false },
            Data = data,
            Nv = NvStorage.Of(AreasOf(image)),
            Counters = CountersOf(image.CounterRows),
            Delegation = DelegationTables.Of(
                image.FamilyRows.Where(row => row is not null).Select(row => row!.Value.Entry),
                Taken(image.DelegationRows).Select(row => row is { } taken ? new DelegateRow(taken.Pub, taken.Auth!) : null)),
            OwnerEvictKeys = PinnedOf(image.Keys, rsa),
        };
    }

    // A row keeps its number, by which the owner knows it. The emulator has more of them.
    private static EmulatorDelegation?[] Taken(EmulatorDelegation?[] rows) => rows[..(Array.FindLastIndex(rows, row => row is not null) + 1)];

    private static PermanentData DataOf(in EmulatorImage image, PermanentData fresh, CommandTable commands, ITpmRsa rsa)
    {
        // Without an owner it has none of its own.
        Secret proof = image.IsOwned ? image.TpmProof! : fresh.TpmProof;
        return fresh with
        {
            TpmProof = proof,
            OwnerAuth = image.IsOwned ? image.OwnerAuth : null,
            OperatorAuth = image.Flags.Operator ? image.OperatorAuth : null,
            EndorsementKey = image.EndorsementKey.IsKey ? EndorsementKeyOf(image.EndorsementKey, proof, fresh, rsa) : null,
            Srk = image.IsOwned && image.Srk.IsKey ? image.Srk.ToImage(TpmKeyHandle.Srk).ToKey(rsa) : null,
            AuthDir = DirOf(image),
            NoOwnerNvWrite = image.NoOwnerNvWrite,
            RestrictDelegate = image.RestrictDelegate,
            DaaSeed = image.DaaSeed,
            DaaProof = image.DaaProof,
            AuditChanges = AuditChangesOf(image.AuditStatus.Span, commands),
            AuditMonotonicCounter = image.AuditMonotonicCounter,
            LastFamilyId = image.LastFamilyId,
        };
    }

    private static LoadedKey EndorsementKeyOf(in EmulatorRsa key, Secret proof, PermanentData fresh, ITpmRsa rsa) => new KeyImage
    {
        Handle = TpmKeyHandle.EK,
        Key = new TpmKey
        {
            Ver = TpmKey.Version11,
            KeyUsage = TpmKeyUsage.Storage,
            AuthDataUsage = TpmAuthDataUsage.Always,
            AlgorithmParms = key.Parameters(TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None),
            PubKey = new TpmStorePubKey { Key = key.Modulus },
        },
        // Nobody is told.
        UsageAuth = fresh.TpmProof,
        MigrationAuth = proof,
        Payload = TpmPayloadType.Asym,
        Prime = key.Prime,
    }.ToKey(rsa);

    private static TpmDigest DirOf(in EmulatorImage image)
    {
        foreach (EmulatorNvArea? row in image.NvAreas)
            if (row is { Pub.NvIndex: TpmNvIndex.Dir } area && DataOf(image, area) is { Length: TpmDigest.Size } dir) return new TpmDigest(dir.Span);
        return default;
    }

    private static List<NvArea> AreasOf(in EmulatorImage image)
    {
        var areas = new List<NvArea>();
        foreach (EmulatorNvArea? row in image.NvAreas)
        {
            if (row is not { } area || area.Pub.NvIndex == TpmNvIndex.Dir) continue;
            areas.Add(new NvArea
            {
                Index = area.Pub.NvIndex,
                PcrInfoRead = area.Pub.PcrInfoRead,
                PcrInfoWrite = area.Pub.PcrInfoWrite,
                Permission = area.Pub.Permission.Attributes,
                WriteDefine = area.Pub.BWriteDefine,
                Auth = area.Auth!,
                Data = DataOf(image, area),
            });
        }

        return areas;
    }

    private static ReadOnlyMemory<byte> DataOf(in EmulatorImage image, in EmulatorNvArea area) =>
        area.Offset <= EmulatorImage.NvSize && area.Pub.DataSize <= EmulatorImage.NvSize - area.Offset
            ? image.NvData.Slice((int)area.Offset, (int)area.Pub.DataSize)
            : throw new StateFormatException($"the NV area 0x{area.Pub.NvIndex:x8} lies outside of the emulator's NV storage");

    // Rows that are free count too: no value comes back.
    private static CounterTable CountersOf(EmulatorCounter[] rows) => CounterTable.Of(
        rows.Max(row => row.Value),
        rows.Select((row, i) => (Row: row, Handle: CounterHandles | (uint)i)).Where(counter => counter.Row.IsValid)
            .Select(counter => new MonotonicCounter(counter.Handle, counter.Row.Label, counter.Row.Value, counter.Row.Auth!)));

    // Other keys in slots were gone with the next TPM_Startup.
    private static HandleTable<LoadedKey> PinnedOf(EmulatorKey[] slots, ITpmRsa rsa) => HandleTable<LoadedKey>.Of(
        slots.Select((key, i) => (Key: key, Handle: KeyHandles | (uint)i))
            .Where(slot => slot.Key.IsKey && (slot.Key.Control & TpmKeyControl.OwnerEvict) != 0)
            .Select(slot => slot.Key.ToImage(slot.Handle).ToKey(rsa)));

    /// <summary>What the owner has had audited still is; what is audited here unless somebody says otherwise is besides.</summary>
    private static FrozenSet<TpmOrdinal> AuditChangesOf(ReadOnlySpan<byte> status, CommandTable commands)
    {
        var changes = new HashSet<TpmOrdinal>();
        for (int ordinal = 0; ordinal < AuditOrdinals; ordinal++)
        {
            bool isSet = (status[ordinal / 8] & 1 << ordinal % 8) != 0;
            if (isSet && commands.Find((TpmOrdinal)ordinal, out TpmCommand command) == TpmResult.Success && command.Traits.Audit == Audit.No)
                changes.Add((TpmOrdinal)ordinal);
        }

        return changes.ToFrozenSet();
    }
}
