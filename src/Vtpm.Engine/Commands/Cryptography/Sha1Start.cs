using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct Sha1StartResponse : IWireStructure<Sha1StartResponse>
{
    public uint MaxNumBytes;

    public static void Describe<TCodec>(ref TCodec wire, ref Sha1StartResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.MaxNumBytes);
}

/// <summary><c>TPM_SHA1Start</c>, Part 3 §13.1: begins a SHA-1 calculation, for platforms that cannot yet do their own.</summary>
public sealed class Sha1Start()
    : TpmCommand<NoParameters, Sha1StartResponse>(TpmOrdinal.Sha1Start, Sessions.None, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref Sha1StartResponse response)
    {
        tpm.State = tpm.State with { Sha1Thread = Sha1Thread.Start() };
        response.MaxNumBytes = (uint)tpm.Platform.Profile.Sha1MaxBytes;
        return Success;
    }
}
