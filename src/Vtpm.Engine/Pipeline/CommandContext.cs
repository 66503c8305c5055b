using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// One command's view of the TPM: the state it proposes, its locality, its authorization blocks, and what the platform gives. A command may only
/// assign regions of the state; nothing it does is seen by anybody before the host commits.
/// </summary>
public sealed partial class CommandContext
{
    private readonly CommandPipeline _pipeline;

    internal CommandContext(
        CommandPipeline pipeline, TpmState state, TpmCommand command, int locality, TransportSession? carrier, ReadOnlySpan<AuthBlock> auths)
    {
        _pipeline = pipeline;
        State = state;
        Command = command;
        Locality = locality;
        Carrier = carrier;
        Auths = auths.ToArray();
        IsAudited = IsOrdinalAudited(command);
    }

    public TpmPlatform Platform => _pipeline.Platform;

    /// <summary>The commands that this TPM has.</summary>
    public CommandTable Commands => _pipeline.Commands;

    public TpmCommand Command { get; }

    /// <summary>The state as it will be when the command succeeds.</summary>
    public TpmState State { get; set; }

    /// <summary>TPM_STANY_FLAGS.localityModifier of this command: 0 to 4, or another number that Xen's transport can carry.</summary>
    public int Locality { get; }

    /// <summary>The SHA-1 thread that the command found running: its state no longer has it, unless the command carries it on (Part 3 §13.1).</summary>
    public Sha1Thread? Sha1Thread { get; internal init; }

    /// <summary>The locality as a bit of a TPM_LOCALITY_SELECTION; localities that have none match nothing.</summary>
    public TpmLocalitySelection LocalityBit => Locality is >= 0 and <= 4 ? (TpmLocalitySelection)(1 << Locality) : TpmLocalitySelection.None;

    /// <summary>Pinned memory for the secrets of this command, zeroed when it ends.</summary>
    public ScratchArena Scratch { get; } = new();

    public TpmPermanentFlags PermanentFlags
    {
        get => State.Permanent.Flags;
        set => Permanent = Permanent with { Flags = value };
    }

    public PermanentData PermanentData
    {
        get => State.Permanent.Data;
        set => Permanent = Permanent with { Data = value };
    }

    /// <summary>Assigning an equal value is no change: nothing is persisted for it.</summary>
    public PermanentState Permanent
    {
        get => State.Permanent;
        set
        {
            if (!value.Equals(State.Permanent)) State = State with { Permanent = value };
        }
    }

    public TpmStClearFlags StClearFlags
    {
        get => State.StClearFlags;
        set => State = State with { StClearFlags = value };
    }

    public StClearData StClearData
    {
        get => State.StClearData;
        set => State = State with { StClearData = value };
    }

    public bool HasOwner => PermanentData.OwnerAuth is not null;

    /// <summary>TPM_STCLEAR_FLAGS.physicalPresence where the command is enabled, or the (absent) hardware signal: Part 2 §7.1 action 6.</summary>
    public bool PhysicalPresence => PermanentFlags.PhysicalPresenceCmdEnable && StClearFlags.PhysicalPresence;

    /// <summary>For a command that is available on a disabled or deactivated TPM, but not all that it can do.</summary>
    /// <returns>TPM_DISABLED or TPM_DEACTIVATED.</returns>
    public TpmResult CheckEnabled() => PermanentFlags.Disable ? TpmResult.Disabled : StClearFlags.Deactivated ? TpmResult.Deactivated : TpmResult.Success;

    /// <summary>
    /// Counts a write to permanent memory that no owner answers for: flash that wears out must not be at everybody's mercy (noOwnerNVWrite, Part 3
    /// §19.1 action 3c, §19.4 action 5c, §20.1 action 5d, §20.2 action 5b). Whoever writes in the end assigns the count.
    /// </summary>
    /// <returns>TPM_MAXNVWRITES when there were as many as there may be before an owner is installed.</returns>
    public TpmResult CountUnownedWrite(out uint count)
    {
        count = PermanentData.NoOwnerNvWrite;
        if (HasOwner) return TpmResult.Success;
        count++;
        return count > Platform.Profile.NvWritesWithoutOwner ? TpmResult.MaxNvWrites : TpmResult.Success;
    }

    /// <summary>The ordinal of this command as it stands in digests.</summary>
    internal byte[] OrdinalBytes
    {
        get
        {
            byte[] ordinal = new byte[sizeof(uint)];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(ordinal, (uint)Command.Traits.Ordinal);
            return ordinal;
        }
    }

    /// <summary>TPM_SUCCESS as it stands in digests.</summary>
    internal static ReadOnlySpan<byte> SuccessBytes => [0, 0, 0, 0];

    /// <summary>SHA-1 of parts that may hold secrets: they are put together in memory that is zeroed with the command.</summary>
    internal TpmDigest Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third = default)
    {
        Span<byte> bytes = Scratch.Allocate(first.Length + second.Length + third.Length);
        first.CopyTo(bytes);
        second.CopyTo(bytes[first.Length..]);
        third.CopyTo(bytes[(first.Length + second.Length)..]);
        return TpmDigest.Of(bytes);
    }

    /// <summary>The next bytes of the random number generator.</summary>
    public TpmNonce NewNonce()
    {
        TpmNonce nonce = default;
        Platform.Random.Fill(nonce.Span);
        return nonce;
    }

    /// <summary>A new secret of the random number generator.</summary>
    public Secret NewSecret(int length = TpmAuthData.Size)
    {
        Span<byte> bytes = stackalloc byte[length];
        Platform.Random.Fill(bytes);
        Secret secret = Scratch.Keep(new Secret(bytes));
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
        return secret;
    }

    /// <summary>A handle for something that is to be in a table: <paramref name="preferred"/>, when it is given and free.</summary>
    internal uint NewHandle<T>(HandleTable<T> table, TpmResourceType type, uint? preferred)
        where T : class, IHandled
    {
        if (preferred is { } wanted && table.Find(wanted) is null) return wanted;
        return NewHandle(type, taken => table.Find(taken) is not null);
    }

    /// <summary>A handle that <paramref name="isTaken"/> does not know, with the resource type in its upper byte as clients like to see it.</summary>
    public uint NewHandle(TpmResourceType type, Predicate<uint> isTaken)
    {
        Span<byte> bytes = stackalloc byte[4];
        while (true)
        {
            Platform.Random.Fill(bytes);
            uint handle = (uint)type << 24 | System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) & 0x00FFFFFF;
            if (!isTaken(handle)) return handle;
        }
    }
}
