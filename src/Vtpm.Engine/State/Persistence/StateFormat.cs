using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>The bytes are not a state that this build can use; the message says why.</summary>
public sealed class StateFormatException(string message) : Exception(message);

/// <summary>
/// The permanent state of a TPM as bytes: eight bytes that say what it is, a version, then every region in the codec of the wire. Whoever stores it
/// adds what protects it: encryption and a hash, or a checksum.
/// </summary>
public static class StateFormat
{
    /// <summary>The version that this build writes, and the newest that it reads. A change of layout gets a new number.</summary>
    public const uint Version = 2;

    internal const int MaxItems = 4096;

    /// <summary>"vTPM 1.2" and a line feed would be text: seven letters and a zero say that it is not.</summary>
    private const ulong Magic = 0x7654504D_312E3200;

    /// <summary>The bytes of <paramref name="state"/>, in memory that the caller zeroes by <see cref="ScratchArena.Clear"/>.</summary>
    public static ReadOnlyMemory<byte> Write(PermanentState state, ScratchArena arena) => WireFormat.ToBytes(Image.Of(state), arena);

    /// <summary>The state in <paramref name="bytes"/>.</summary>
    /// <exception cref="StateFormatException">Not a state, of a newer version, or damaged.</exception>
    public static PermanentState Read(ReadOnlySpan<byte> bytes, ITpmRsa rsa)
    {
        try
        {
            var reader = new WireReader(bytes);
            Image image = default;
            Image.DescribeHeader(ref reader, ref image);
            if (reader.Result != TpmResult.Success || image.Magic != Magic) throw new StateFormatException("this is not the state of a TPM 1.2");
            if (image.Version > Version)
                throw new StateFormatException($"the TPM's state is of version {image.Version} and this program reads up to {Version}: use the newer program that wrote it");
            return WireFormat.Read(bytes, out image) == TpmResult.Success
                ? image.ToState(rsa)
                : throw new StateFormatException("the TPM's state is damaged: it ends early, or goes on too long");
        }
        catch (ArgumentException exception)
        {
            throw new StateFormatException($"the TPM's state is damaged: {exception.Message}");
        }
    }

    internal static KeyImage[] Images(HandleTable<LoadedKey> keys) => Convert(keys.Items, KeyImage.Of);

    internal static HandleTable<LoadedKey> Keys(KeyImage[] images, ITpmRsa rsa) => HandleTable<LoadedKey>.Of(images.Select(image => image.ToKey(rsa)));

    private static TImage[] Convert<T, TImage>(ReadOnlySpan<T> items, Func<T, TImage> convert)
    {
        var images = new TImage[items.Length];
        for (int i = 0; i < images.Length; i++) images[i] = convert(items[i]);
        return images;
    }

    private struct Image : IWireStructure<Image>
    {
        public ulong Magic;
        public uint Version;
        public TpmPermanentFlags Flags;
        public PermanentDataImage Data;
        public NvAreaImage[] NvAreas;
        public uint MaxCounterValue;
        public CounterImage[] Counters;
        public TpmFamilyTableEntry[] Families;
        public DelegateRowImage[] DelegateRows;
        public DictionaryAttackImage DictionaryAttack;
        public KeyImage[] OwnerEvictKeys;
        public SavedStateImage? SavedState;

        public static void DescribeHeader<TCodec>(ref TCodec wire, ref Image value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            wire.UInt64(ref value.Magic);
            wire.UInt32(ref value.Version);
        }

        public static void Describe<TCodec>(ref TCodec wire, ref Image value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            DescribeHeader(ref wire, ref value);
            wire.Structure(ref value.Flags);
            wire.Structure(ref value.Data);
            wire.List32(ref value.NvAreas, MaxItems);
            wire.UInt32(ref value.MaxCounterValue);
            wire.List32(ref value.Counters, MaxItems);
            wire.List32(ref value.Families, MaxItems);
            wire.List32(ref value.DelegateRows, MaxItems);
            wire.Structure(ref value.DictionaryAttack);
            wire.List32(ref value.OwnerEvictKeys, MaxItems);
            wire.Optional(ref value.SavedState);
            if (value.Version >= 2) wire.Structure(ref value.Data.Added);
        }

        public static Image Of(PermanentState state) => new()
        {
            Magic = StateFormat.Magic,
            Version = StateFormat.Version,
            Flags = state.Flags,
            Data = PermanentDataImage.Of(state.Data),
            NvAreas = Convert(state.Nv.Areas, NvAreaImage.Of),
            MaxCounterValue = state.Counters.MaxValue,
            Counters = Convert(state.Counters.Counters.Items, CounterImage.Of),
            Families = state.Delegation.Families.ToArray(),
            DelegateRows = Convert(state.Delegation.Rows, DelegateRowImage.Of),
            DictionaryAttack = DictionaryAttackImage.Of(state.DictionaryAttack),
            OwnerEvictKeys = Images(state.OwnerEvictKeys),
            SavedState = state.SavedState is { } saved ? SavedStateImage.Of(saved, state.Nv) : null,
        };

        public readonly PermanentState ToState(ITpmRsa rsa) => new()
        {
            Flags = Flags,
            Data = Data.ToData(rsa),
            Nv = NvStorage.Of(NvAreas.Select(image => image.ToArea())),
            Counters = CounterTable.Of(MaxCounterValue, Counters.Select(image => image.ToCounter())),
            Delegation = DelegationTables.Of(Families, DelegateRows.Select(image => image.ToRow())),
            DictionaryAttack = DictionaryAttack.ToState(),
            OwnerEvictKeys = Keys(OwnerEvictKeys, rsa),
            SavedState = SavedState?.ToState(rsa),
        };
    }
}
