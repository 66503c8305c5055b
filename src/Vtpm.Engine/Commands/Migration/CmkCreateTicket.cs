using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct CmkCreateTicketRequest : IWireStructure<CmkCreateTicketRequest>
{
    public TpmPubKey VerificationKey;
    public TpmDigest SignedData;
    public ReadOnlyMemory<byte> SignatureValue;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkCreateTicketRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.VerificationKey);
        TpmDigest.Describe(ref wire, ref value.SignedData);
        wire.Sized32(ref value.SignatureValue);
    }
}

public struct CmkCreateTicketResponse : IWireStructure<CmkCreateTicketResponse>
{
    public TpmDigest SigTicket;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkCreateTicketResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.SigTicket);
}

/// <summary><c>TPM_CMK_CreateTicket</c>, Part 3 §11.8: verifies an authority's signature, and says so in a ticket for later.</summary>
public sealed class CmkCreateTicket()
    : TpmCommand<CmkCreateTicketRequest, CmkCreateTicketResponse>(TpmOrdinal.CmkCreateTicket, Sessions.One, Availability.Owned, Duration.Medium)
{
    protected override TpmResult Execute(CommandContext tpm, in CmkCreateTicketRequest request, ref CmkCreateTicketResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        TpmPubKey key = request.VerificationKey;
        if (KeyParameters.ReadForeign(key, out _, out uint exponent).Failed(out error)) return error;
        if (key.AlgorithmParms.EncScheme != TpmEncScheme.None) return InappropriateEnc;
        if (key.AlgorithmParms.SigScheme is not (TpmSigScheme.RsaSsaPkcs1V15Sha1 or TpmSigScheme.RsaSsaPkcs1V15Info)) return InvalidKeyUsage;
        if (!tpm.VerifyDigest(key.PubKey.Key.Span, exponent, request.SignedData, request.SignatureValue.Span)) return BadSignature;
        response.SigTicket = CmkTicket.Signature(tpm, WireFormat.Digest(key), request.SignedData);
        return Success;
    }
}
