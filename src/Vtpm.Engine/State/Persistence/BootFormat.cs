using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// What a TPM knows of its platform's boot, as bytes: all that TPM_Startup(ST_CLEAR) begins anew and that a guest must not be able to have begun anew
/// in the middle of a boot. A host that has to start the TPM's process again, under a platform that has not been reset, puts it back.
/// </summary>
/// <remarks>
/// More than TPM_SaveState keeps: the resettable PCRs too, and TOSPresent, for no TPM_Startup(ST_STATE) that the platform knows of has happened. Fewer:
/// no loaded keys, whose secrets have no business in a file that is not encrypted.
/// </remarks>
public static class BootFormat
{
    /// <summary>The bytes of a boot with every NV area locked: more than any has.</summary>
    public const int MaxSize = 3072;

    private const uint Version = 1;

    /// <summary>"vTPMboot".</summary>
    private const ulong Magic = 0x7654504D_626F6F74;

    /// <summary>Whether two states have the same boot; by reference where a change makes another object, as it is for what is permanent.</summary>
    public static bool IsSame(TpmState left, TpmState right) =>
        ReferenceEquals(left.Pcrs, right.Pcrs)
        && ReferenceEquals(left.StClearData, right.StClearData)
        && left.StClearFlags == right.StClearFlags
        && left.StAnyFlags.TosPresent == right.StAnyFlags.TosPresent;

    /// <summary>Writes the bytes of the boot in <paramref name="state"/>.</summary>
    /// <param name="state">The state.</param>
    /// <param name="buffer">Takes them; <see cref="MaxSize"/> bytes.</param>
    /// <returns>How many they are.</returns>
    public static int Write(TpmState state, Span<byte> buffer)
    {
        Image image = Image.Of(state);
        var writer = new WireWriter(buffer);
        Image.Describe(ref writer, ref image);
        return writer.Result == TpmResult.Success ? writer.Length : throw new ArgumentException($"a boot does not fit: {writer.Result}", nameof(buffer));
    }

    /// <summary>A TPM that was started clear, with the boot in <paramref name="bytes"/>.</summary>
    /// <exception cref="StateFormatException">Not the boot of a TPM, or of a newer version.</exception>
    public static TpmState Restore(TpmState started, ReadOnlySpan<byte> bytes)
    {
        if (WireFormat.Read(bytes, out Image image) != TpmResult.Success || image.Magic != Magic || image.Version != Version)
            throw new StateFormatException("this is not what this program keeps of a platform's boot");
        return image.Restore(started);
    }

    /// <summary>
    /// A TPM that was started clear, and whose platform's boot nobody knows: every PCR that only a reset of the platform makes zero is extended, so that
    /// what is sealed to a boot stays sealed, and the platform can feed no other boot to it. The digest is SHA-1 of "no record of this boot".
    /// </summary>
    public static TpmState WithoutRecord(TpmState started)
    {
        PcrBank pcrs = started.Pcrs;
        for (int pcr = 0; pcr < PcrBank.Count; pcr++)
        {
            if (!PcrBank.IsResettable(pcr)) pcrs = pcrs.Extend((uint)pcr, NoRecord);
        }

        return started with { Pcrs = pcrs };
    }

    private static TpmDigest NoRecord { get; } = new(SHA1.HashData("no record of this boot"u8));

    private struct Image : IWireStructure<Image>
    {
        public ulong Magic;
        public uint Version;
        public PcrBankImage Pcrs;
        public TpmStClearFlags StClearFlags;
        public bool TosPresent;
        public StClearDataImage StClearData;

        public static void Describe<TCodec>(ref TCodec wire, ref Image value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            wire.UInt64(ref value.Magic);
            wire.UInt32(ref value.Version);
            wire.Structure(ref value.Pcrs);
            wire.Structure(ref value.StClearFlags);
            wire.Bool(ref value.TosPresent);
            wire.Structure(ref value.StClearData);
        }

        public static Image Of(TpmState state) => new()
        {
            Magic = BootFormat.Magic,
            Version = BootFormat.Version,
            Pcrs = PcrBankImage.Of(state.Pcrs),
            StClearFlags = state.StClearFlags,
            TosPresent = state.StAnyFlags.TosPresent,
            StClearData = StClearDataImage.Of(state.StClearData, state.Permanent.Nv),
        };

        public readonly TpmState Restore(TpmState started) => started with
        {
            Pcrs = Pcrs.ToBank(),
            StClearFlags = StClearFlags,
            StAnyFlags = started.StAnyFlags with { TosPresent = TosPresent },
            StClearData = StClearData.ToData(),
        };
    }
}
