using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct Sha1CompleteRequest : IWireStructure<Sha1CompleteRequest>
{
    public ReadOnlyMemory<byte> HashData;

    public static void Describe<TCodec>(ref TCodec wire, ref Sha1CompleteRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.HashData);
}

public struct Sha1CompleteResponse : IWireStructure<Sha1CompleteResponse>
{
    public TpmDigest HashValue;

    public static void Describe<TCodec>(ref TCodec wire, ref Sha1CompleteResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.HashValue);
}

/// <summary><c>TPM_SHA1Complete</c>, Part 3 §13.3: hashes the last bytes and ends the calculation.</summary>
public sealed class Sha1Complete()
    : TpmCommand<Sha1CompleteRequest, Sha1CompleteResponse>(TpmOrdinal.Sha1Complete, Sessions.None, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in Sha1CompleteRequest request, ref Sha1CompleteResponse response) =>
        Complete(tpm, request.HashData.Span, out response.HashValue);

    /// <summary>The digest, for TPM_SHA1CompleteExtend too. The thread has ended already, whatever comes of it: the pipeline sees to that.</summary>
    internal static TpmResult Complete(CommandContext tpm, ReadOnlySpan<byte> hashData, out TpmDigest hashValue)
    {
        hashValue = default;
        if (tpm.Sha1Thread is not { } thread) return ShaThread;
        if (hashData.Length > Sha1Thread.BlockSize) return ShaError;
        hashValue = thread.Complete(hashData);
        return Success;
    }
}
