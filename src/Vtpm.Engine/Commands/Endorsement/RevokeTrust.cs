using Vtpm.Engine.Commands.Ownership;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Endorsement;

public struct RevokeTrustRequest : IWireStructure<RevokeTrustRequest>
{
    public TpmNonce EKReset;

    public static void Describe<TCodec>(ref TCodec wire, ref RevokeTrustRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmNonce.Describe(ref wire, ref value.EKReset);
}

/// <summary><c>TPM_RevokeTrust</c>, Part 3 §14.3: clears owner and endorsement key: the TPM is nobody's, and not the one it was.</summary>
public sealed class RevokeTrust()
    : TpmCommand<RevokeTrustRequest, NoParameters>(TpmOrdinal.RevokeTrust, Sessions.None, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in RevokeTrustRequest request, ref NoParameters response)
    {
        if (!tpm.PermanentFlags.EnableRevokeEK || tpm.PermanentData.EKReset is not { } ekReset) return PermanentEK;
        if (tpm.CompareSecret(ekReset.Span, request.EKReset.ReadOnlySpan).Failed(out TpmResult error)) return error;
        if (!tpm.PhysicalPresence) return BadPresence;
        OwnerClear.Clear(tpm);
        tpm.Permanent = tpm.Permanent with { Nv = tpm.Permanent.Nv.WithoutManufacturerAreas() };
        tpm.StClearData = tpm.StClearData.OnlyLocksOf(tpm.Permanent.Nv);
        tpm.PermanentFlags = tpm.PermanentFlags with { NvLocked = false, EnableRevokeEK = false };
        tpm.PermanentData = tpm.PermanentData with
        {
            DaaSeed = null,
            DaaProof = null,
            DaaBlobKey = null,
            EndorsementKey = null,
            EKReset = null,
        };
        tpm.State = tpm.State with { IsEndorsementKeyFresh = false };
        return Success;
    }
}
