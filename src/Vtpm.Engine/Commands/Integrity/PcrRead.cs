using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Integrity;

public struct PcrReadRequest : IWireStructure<PcrReadRequest>
{
    public uint PcrIndex;

    public static void Describe<TCodec>(ref TCodec wire, ref PcrReadRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.PcrIndex);
}

public struct PcrReadResponse : IWireStructure<PcrReadResponse>
{
    public TpmDigest OutDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref PcrReadResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.OutDigest);
}

/// <summary><c>TPM_PCRRead</c>, Part 3 §16.2: the value of a PCR, without cryptographic evidence.</summary>
public sealed class PcrRead() : TpmCommand<PcrReadRequest, PcrReadResponse>(TpmOrdinal.PcrRead, Sessions.None, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in PcrReadRequest request, ref PcrReadResponse response)
    {
        if (!PcrBank.Contains(request.PcrIndex)) return BadIndex;
        response.OutDigest = tpm.State.Pcrs[request.PcrIndex];
        return Success;
    }
}
