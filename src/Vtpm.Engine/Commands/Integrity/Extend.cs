using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Integrity;

public struct ExtendRequest : IWireStructure<ExtendRequest>
{
    public uint PcrNum;
    public TpmDigest InDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref ExtendRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.PcrNum);
        TpmDigest.Describe(ref wire, ref value.InDigest);
    }
}

public struct ExtendResponse : IWireStructure<ExtendResponse>
{
    public TpmDigest OutDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref ExtendResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.OutDigest);
}

/// <summary><c>TPM_Extend</c>, Part 3 §16.1: folds a digest into a PCR.</summary>
public sealed class Extend() : TpmCommand<ExtendRequest, ExtendResponse>(TpmOrdinal.Extend, Sessions.None, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in ExtendRequest request, ref ExtendResponse response) =>
        Fold(tpm, request.PcrNum, request.InDigest, out response.OutDigest);

    /// <summary>The actions, which TPM_SHA1CompleteExtend shares.</summary>
    internal static TpmResult Fold(CommandContext tpm, uint pcrNum, in TpmDigest inDigest, out TpmDigest outDigest)
    {
        outDigest = default;
        if (!PcrBank.Contains(pcrNum)) return BadIndex;
        if ((PcrBank.ExtendLocalities((int)pcrNum) & tpm.LocalityBit) == 0) return BadLocality;
        PcrBank pcrs = tpm.State.Pcrs.Extend(pcrNum, inDigest);
        tpm.State = tpm.State with { Pcrs = pcrs };
        // A disabled or deactivated TPM measures, but answers zeroes.
        if (!tpm.PermanentFlags.Disable && !tpm.StClearFlags.Deactivated) outDigest = pcrs[pcrNum];
        return Success;
    }
}
