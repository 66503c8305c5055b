using Vtpm.Engine.Commands.Integrity;
using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Cryptography;

public struct Sha1CompleteExtendRequest : IWireStructure<Sha1CompleteExtendRequest>
{
    public uint PcrNum;
    public ReadOnlyMemory<byte> HashData;

    public static void Describe<TCodec>(ref TCodec wire, ref Sha1CompleteExtendRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.PcrNum);
        wire.Sized32(ref value.HashData);
    }
}

public struct Sha1CompleteExtendResponse : IWireStructure<Sha1CompleteExtendResponse>
{
    public TpmDigest HashValue;
    public TpmDigest OutDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref Sha1CompleteExtendResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmDigest.Describe(ref wire, ref value.HashValue);
        TpmDigest.Describe(ref wire, ref value.OutDigest);
    }
}

/// <summary><c>TPM_SHA1CompleteExtend</c>, Part 3 §13.4: ends the calculation and folds its digest into a PCR.</summary>
public sealed class Sha1CompleteExtend()
    : TpmCommand<Sha1CompleteExtendRequest, Sha1CompleteExtendResponse>(
        TpmOrdinal.Sha1CompleteExtend, Sessions.None, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in Sha1CompleteExtendRequest request, ref Sha1CompleteExtendResponse response)
    {
        if (Sha1Complete.Complete(tpm, request.HashData.Span, out response.HashValue).Failed(out TpmResult error)) return error;
        return Extend.Fold(tpm, request.PcrNum, response.HashValue, out response.OutDigest);
    }
}
