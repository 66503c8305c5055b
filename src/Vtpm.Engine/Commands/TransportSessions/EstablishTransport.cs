using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.TransportSessions;

public struct EstablishTransportRequest : IWireStructure<EstablishTransportRequest>
{
    /// <summary>The key that the secret is encrypted for; TPM_KH_TRANSPORT for a secret in the clear.</summary>
    public uint EncHandle;
    public TpmTransportPublic TransPublic;
    public ReadOnlyMemory<byte> Secret;

    public static void Describe<TCodec>(ref TCodec wire, ref EstablishTransportRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.EncHandle);
        wire.Structure(ref value.TransPublic);
        wire.Sized32(ref value.Secret);
    }
}

public struct EstablishTransportResponse : IWireStructure<EstablishTransportResponse>
{
    public uint TransHandle;
    public uint Locality;
    public TpmCurrentTicks CurrentTicks;
    public TpmNonce TransNonceEven;

    public static void Describe<TCodec>(ref TCodec wire, ref EstablishTransportResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.TransHandle);
        wire.UInt32(ref value.Locality);
        wire.Structure(ref value.CurrentTicks);
        TpmNonce.Describe(ref wire, ref value.TransNonceEven);
    }
}

/// <summary><c>TPM_EstablishTransport</c>, Part 3 §24.1: opens a session that other commands are wrapped in.</summary>
public sealed class EstablishTransport()
    : TpmCommand<EstablishTransportRequest, EstablishTransportResponse>(
        TpmOrdinal.EstablishTransport, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1, outHandles: 1,
        secretRequest: true, transport: TransportRole.Opens)
{
    protected override TpmResult Execute(CommandContext tpm, in EstablishTransportRequest request, ref EstablishTransportResponse response)
    {
        TpmResult result = request.EncHandle == TpmKeyHandle.Transport
            ? TakeSecret(tpm, request, out Secret authData)
            : DecryptSecret(tpm, request, out authData);
        if (result != Success) return result;
        bool encrypts = request.TransPublic.TransAttributes.HasFlag(TpmTransportAttributes.Encrypt);
        if (encrypts && TransportCipher.Check(request.TransPublic, tpm.PermanentFlags.Fips).Failed(out TpmResult error)) return error;

        response.TransNonceEven = tpm.NewNonce();
        response.CurrentTicks = tpm.CurrentTicks;
        response.Locality = (uint)tpm.Locality;
        var auth = new AuthSession
        {
            Handle = 0,
            Protocol = TpmProtocolId.Transport,
            NonceEven = response.TransNonceEven,
            SharedSecret = authData,
        };
        var transport = new TransportSession { Auth = auth, Public = request.TransPublic };
        if (transport.Logs) transport = Logged(tpm, transport, request, response);
        // Action 9: an exclusive session that was open has ended with this command already.
        return tpm.OpenTransport(transport, out response.TransHandle);
    }

    /// <summary>Action 1: a secret that came in the clear, for a session that hides nothing.</summary>
    private static TpmResult TakeSecret(CommandContext tpm, in EstablishTransportRequest request, out Secret authData)
    {
        authData = null!;
        if (tpm.Auths.Count != 0) return BadTag;
        if (request.TransPublic.TransAttributes.HasFlag(TpmTransportAttributes.Encrypt)) return BadScheme;
        if (request.Secret.Length != TpmAuthData.Size) return BadParamSize;
        authData = tpm.Scratch.Keep(new Secret(request.Secret.Span));
        return Success;
    }

    /// <summary>Action 2.</summary>
    private static TpmResult DecryptSecret(CommandContext tpm, in EstablishTransportRequest request, out Secret authData)
    {
        authData = null!;
        if (tpm.FindKey(request.EncHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (key.Usage is not (TpmKeyUsage.Storage or TpmKeyUsage.Legacy)) return InvalidKeyUsage;
        if (tpm.UseKey(request.EncHandle, out key).Failed(out error)) return error;
        if (tpm.DecryptByScheme(key, request.Secret, out ReadOnlyMemory<byte> plain).Failed(out error)) return error;
        if (WireFormat.Read(plain.Span, out TpmTransportAuth k1) != Success) return DecryptError;
        authData = tpm.Scratch.Keep(new Secret(k1.AuthData.ReadOnlySpan));
        return Success;
    }

    /// <summary>Action 8: this command and its response are the first entries of the log, without the handles.</summary>
    private static TransportSession Logged(
        CommandContext tpm, TransportSession transport, in EstablishTransportRequest request, in EstablishTransportResponse response)
    {
        TpmDigest input = tpm.Hash(tpm.OrdinalBytes, WireFormat.ToBytes(request, tpm.Scratch).AsSpan(sizeof(uint)));
        TpmDigest output = tpm.Hash(CommandContext.SuccessBytes, tpm.OrdinalBytes, WireFormat.ToBytes(response).AsSpan(sizeof(uint)));
        return transport
            .Log(new TpmTransportLogIn { Parameters = input })
            .Log(new TpmTransportLogOut { Parameters = output, CurrentTicks = response.CurrentTicks, Locality = response.Locality });
    }
}
