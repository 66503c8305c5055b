using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.AuthorizationSessions;

public struct OiapResponse : IWireStructure<OiapResponse>
{
    public uint AuthHandle;
    public TpmNonce NonceEven;

    public static void Describe<TCodec>(ref TCodec wire, ref OiapResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.AuthHandle);
        TpmNonce.Describe(ref wire, ref value.NonceEven);
    }
}

/// <summary><c>TPM_OIAP</c>, Part 3 §18.1: opens an authorization session for any entity.</summary>
public sealed class Oiap()
    : TpmCommand<NoParameters, OiapResponse>(
        TpmOrdinal.Oiap, Sessions.None, Availability.Always, Duration.Short, outHandles: 1, bareOut: 4 + TpmNonce.Size)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref OiapResponse response)
    {
        response.NonceEven = tpm.NewNonce();
        return tpm.OpenSession(
            new AuthSession { Handle = 0, Protocol = TpmProtocolId.Oiap, NonceEven = response.NonceEven }, out response.AuthHandle);
    }
}
