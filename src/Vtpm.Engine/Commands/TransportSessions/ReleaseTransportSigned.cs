using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.TransportSessions;

public struct ReleaseTransportSignedRequest : IWireStructure<ReleaseTransportSignedRequest>
{
    public uint KeyHandle;
    public TpmNonce AntiReplay;

    public static void Describe<TCodec>(ref TCodec wire, ref ReleaseTransportSignedRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
    }
}

public struct ReleaseTransportSignedResponse : IWireStructure<ReleaseTransportSignedResponse>
{
    public uint Locality;
    public TpmCurrentTicks CurrentTicks;
    public ReadOnlyMemory<byte> Signature;

    public static void Describe<TCodec>(ref TCodec wire, ref ReleaseTransportSignedResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Locality);
        wire.Structure(ref value.CurrentTicks);
        wire.Sized32(ref value.Signature);
    }
}

/// <summary><c>TPM_ReleaseTransportSigned</c>, Part 3 §24.3: ends a transport session and signs its log.</summary>
public sealed class ReleaseTransportSigned()
    : TpmCommand<ReleaseTransportSignedRequest, ReleaseTransportSignedResponse>(
        TpmOrdinal.ReleaseTransportSigned, Sessions.One | Sessions.Two, Availability.Owned, Duration.Medium, inHandles: 1,
        transport: TransportRole.Uses)
{
    protected override TpmResult Execute(CommandContext tpm, in ReleaseTransportSignedRequest request, ref ReleaseTransportSignedResponse response)
    {
        TransportSession transport = tpm.PresentedTransport;
        if (tpm.FindKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        // Actions 2 and 3: of the keys that sign, only those that do nothing else.
        if (CommandContext.CheckSigner(key).Failed(out error)) return error;
        if (key.Usage != TpmKeyUsage.Signing) return InvalidKeyUsage;
        if (tpm.UseKey(request.KeyHandle, out key).Failed(out error)) return error;
        if (tpm.AuthorizeTransport().Failed(out error)) return error;
        if (!transport.Logs) return BadMode;

        response.Locality = (uint)tpm.Locality;
        response.CurrentTicks = tpm.CurrentTicks;
        transport = transport.Log(
            new TpmTransportLogOut { Parameters = tpm.InParamDigest, CurrentTicks = response.CurrentTicks, Locality = response.Locality });
        tpm.Auths[^1].Continue = false;
        byte[] digest = transport.Digest.ReadOnlySpan.ToArray();
        return CommandContext.SignInfo(key, TpmSignInfoFixed.Tran, request.AntiReplay, digest, out response.Signature);
    }
}
