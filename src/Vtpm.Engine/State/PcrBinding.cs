using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// What a key, a blob or an NV area is bound to: TPM_PCR_INFO, TPM_PCR_INFO_LONG and TPM_PCR_INFO_SHORT mapped to one form by the rules of
/// Part 2 §8.10. Without information, anything goes.
/// </summary>
public readonly record struct PcrBinding
{
    public TpmPcrSelection ReleaseSelection { get; init; }

    public TpmLocalitySelection LocalityAtRelease { get; init; }

    public TpmDigest DigestAtRelease { get; init; }

    /// <summary>Bound to nothing.</summary>
    public static PcrBinding None { get; } = new() { LocalityAtRelease = TpmLocalitySelection.All };

    /// <summary>True when the value of a register matters.</summary>
    public bool UsesPcrs => !ReleaseSelection.IsEmpty;

    public static PcrBinding Of(in TpmPcrInfo info) =>
        new() { ReleaseSelection = info.PcrSelection, LocalityAtRelease = TpmLocalitySelection.All, DigestAtRelease = info.DigestAtRelease };

    public static PcrBinding Of(in TpmPcrInfoLong info) =>
        new() { ReleaseSelection = info.ReleasePcrSelection, LocalityAtRelease = info.LocalityAtRelease, DigestAtRelease = info.DigestAtRelease };

    public static PcrBinding Of(in TpmPcrInfoShort info) =>
        new() { ReleaseSelection = info.PcrSelection, LocalityAtRelease = info.LocalityAtRelease, DigestAtRelease = info.DigestAtRelease };

    /// <summary>Reads the sized field of a TPM_KEY or TPM_KEY12, of a TPM_STORED_DATA or TPM_STORED_DATA12; empty is <see cref="None"/>.</summary>
    /// <returns>TPM_INVALID_PCR_INFO when the bytes are not the structure that <paramref name="isLong"/> says.</returns>
    public static TpmResult Read(ReadOnlyMemory<byte> info, bool isLong, out PcrBinding binding)
    {
        binding = None;
        if (info.IsEmpty) return TpmResult.Success;
        if (isLong)
        {
            if (WireFormat.Read(info.Span, out TpmPcrInfoLong infoLong) != TpmResult.Success) return TpmResult.InvalidPcrInfo;
            if (!IsValid(infoLong.CreationPcrSelection) || !IsValid(infoLong.ReleasePcrSelection)) return TpmResult.InvalidPcrInfo;
            binding = Of(infoLong);
            return IsValid(binding.LocalityAtRelease) ? TpmResult.Success : TpmResult.InvalidPcrInfo;
        }

        if (WireFormat.Read(info.Span, out TpmPcrInfo infoShort) != TpmResult.Success) return TpmResult.InvalidPcrInfo;
        if (!IsValid(infoShort.PcrSelection)) return TpmResult.InvalidPcrInfo;
        binding = Of(infoShort);
        return TpmResult.Success;
    }

    /// <summary>A selection names whole bytes of the registers that exist, at least one (Part 2 §8.1).</summary>
    public static bool IsValid(in TpmPcrSelection selection) => selection.PcrSelect.Length is > 0 and <= PcrBank.Count / 8;

    /// <summary>A locality selection names at least one of the localities 0 to 4 and nothing else (Part 2 §8.6).</summary>
    public static bool IsValid(TpmLocalitySelection localities) => localities != TpmLocalitySelection.None && (localities & ~TpmLocalitySelection.All) == 0;

    /// <summary>A TPM_PCR_INFO_SHORT: its selection without a byte selects nothing, as one of zeroes does.</summary>
    public static bool IsValid(in TpmPcrInfoShort info) =>
        (info.PcrSelection.PcrSelect.IsEmpty || IsValid(info.PcrSelection)) && IsValid(info.LocalityAtRelease);

    /// <summary>TPM_SUCCESS when registers and locality are as the binding wants them, TPM_WRONGPCRVAL or TPM_BAD_LOCALITY otherwise.</summary>
    public TpmResult Check(PcrBank pcrs, TpmLocalitySelection locality) =>
        CheckPcrs(pcrs).Failed(out TpmResult error) ? error : CheckLocality(locality);

    public TpmResult CheckPcrs(PcrBank pcrs) =>
        UsesPcrs && pcrs.CompositeHash(ReleaseSelection) != DigestAtRelease ? TpmResult.WrongPcrVal : TpmResult.Success;

    public TpmResult CheckLocality(TpmLocalitySelection locality) =>
        LocalityAtRelease == TpmLocalitySelection.All || (LocalityAtRelease & locality) != 0 ? TpmResult.Success : TpmResult.BadLocality;
}
