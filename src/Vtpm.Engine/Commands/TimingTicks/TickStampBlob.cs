using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.TimingTicks;

public struct TickStampBlobRequest : IWireStructure<TickStampBlobRequest>
{
    public uint KeyHandle;
    public TpmNonce AntiReplay;
    public TpmDigest DigestToStamp;

    public static void Describe<TCodec>(ref TCodec wire, ref TickStampBlobRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
        TpmDigest.Describe(ref wire, ref value.DigestToStamp);
    }
}

public struct TickStampBlobResponse : IWireStructure<TickStampBlobResponse>
{
    public TpmCurrentTicks CurrentTicks;
    public ReadOnlyMemory<byte> Sig;

    public static void Describe<TCodec>(ref TCodec wire, ref TickStampBlobResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.CurrentTicks);
        wire.Sized32(ref value.Sig);
    }
}

/// <summary><c>TPM_TickStampBlob</c>, Part 3 §23.2: vouches that a digest was here at this tick.</summary>
public sealed class TickStampBlob()
    : TpmCommand<TickStampBlobRequest, TickStampBlobResponse>(
        TpmOrdinal.TickStampBlob, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in TickStampBlobRequest request, ref TickStampBlobResponse response)
    {
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (key.Usage is not (TpmKeyUsage.Signing or TpmKeyUsage.Identity or TpmKeyUsage.Legacy)) return InvalidKeyUsage;
        if (CommandContext.CheckSigner(key).Failed(out error)) return error;
        response.CurrentTicks = tpm.CurrentTicks;
        byte[] stamped = [.. request.DigestToStamp.ReadOnlySpan, .. WireFormat.ToBytes(response.CurrentTicks)];
        return CommandContext.SignInfo(key, TpmSignInfoFixed.Tstp, request.AntiReplay, stamped, out response.Sig);
    }
}
