using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct CmkApproveMARequest : IWireStructure<CmkApproveMARequest>
{
    /// <summary>The digest of a TPM_MSA_COMPOSITE.</summary>
    public TpmDigest MigrationAuthorityDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkApproveMARequest value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.MigrationAuthorityDigest);
}

public struct CmkApproveMAResponse : IWireStructure<CmkApproveMAResponse>
{
    public TpmDigest OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkApproveMAResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.OutData);
}

/// <summary><c>TPM_CMK_ApproveMA</c>, Part 3 §11.6: the owner's ticket for authorities that users may make certified migration keys for.</summary>
public sealed class CmkApproveMA()
    : TpmCommand<CmkApproveMARequest, CmkApproveMAResponse>(TpmOrdinal.CmkApproveMA, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in CmkApproveMARequest request, ref CmkApproveMAResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        response.OutData = CmkTicket.Approval(tpm, request.MigrationAuthorityDigest);
        return Success;
    }
}
