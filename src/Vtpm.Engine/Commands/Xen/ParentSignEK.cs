using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Xen;

public struct ParentSignEKRequest : IWireStructure<ParentSignEKRequest>
{
    public TpmNonce ExternData;

    /// <summary>PCRs of the hardware TPM.</summary>
    public TpmPcrSelection PtSel;

    public static void Describe<TCodec>(ref TCodec wire, ref ParentSignEKRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmNonce.Describe(ref wire, ref value.ExternData);
        wire.Structure(ref value.PtSel);
    }
}

/// <summary>
/// <c>TPM_ParentSignEK</c>, Xen's own: the hardware TPM vouches for the endorsement key, as long as the TPM is running that made it: then what the
/// quote says of the platform is true of where the key came from. The digest signed is the checksum that TPM_ReadPubek answers.
/// </summary>
public sealed class ParentSignEK()
    : TpmCommand<ParentSignEKRequest, VtpmGetQuoteResponse>(TpmOrdinal.ParentSignEK, Sessions.One, Availability.Owned, Duration.Medium)
{
    protected override TpmResult Execute(CommandContext tpm, in ParentSignEKRequest request, ref VtpmGetQuoteResponse response)
    {
        if (tpm.Platform.Parent is not { } parent) return BadOrdinal;
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (!tpm.State.IsEndorsementKeyFresh || tpm.PermanentData.EndorsementKey is not { } endorsementKey) return DisabledCmd;
        TpmDigest checksum = PubekResponse.Of(endorsementKey, request.ExternData).Checksum;
        return parent.Quote(checksum, request.PtSel, VtpmQuoteFlags.None, out response);
    }
}
