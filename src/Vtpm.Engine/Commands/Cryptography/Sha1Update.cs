using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct Sha1UpdateRequest : IWireStructure<Sha1UpdateRequest>
{
    public ReadOnlyMemory<byte> HashData;

    public static void Describe<TCodec>(ref TCodec wire, ref Sha1UpdateRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.HashData);
}

/// <summary><c>TPM_SHA1Update</c>, Part 3 §13.2: hashes whole blocks. It alone leaves the SHA-1 thread running, also when it fails.</summary>
public sealed class Sha1Update()
    : TpmCommand<Sha1UpdateRequest, NoParameters>(
        TpmOrdinal.Sha1Update, Sessions.None, Availability.Always, Duration.Short, keepsSha1Thread: true)
{
    protected override TpmResult Execute(CommandContext tpm, in Sha1UpdateRequest request, ref NoParameters response)
    {
        if (tpm.Sha1Thread is not { } thread) return ShaThread;
        int length = request.HashData.Length;
        if (length % Sha1Thread.BlockSize != 0 || length > tpm.Platform.Profile.Sha1MaxBytes) return ShaError;
        tpm.State = tpm.State with { Sha1Thread = thread.Append(request.HashData.Span) };
        return Success;
    }
}
