using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>GROUP_IDENTITY</c>, ours: another identity key for a group, with a new secret: after a recovery, on another hardware TPM, or for another
/// privacy CA.
/// </summary>
internal sealed class GroupIdentity() : ManagerCommand<VtpmGroupIdentityRequest, VtpmGroupIdentityResponse>(VtpmManagerOrdinal.GroupIdentity)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupIdentityRequest request, ref VtpmGroupIdentityResponse response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        string what = $"GroupIdentity of group {request.Group}";
        if (!manager.Hardware.MakesIdentities) return TpmResult.DisabledCmd;
        if (!group.HasAuthority())
        {
            manager.Log.Error($"{what} refused: it has no authority (group-add gives it one, and an identity key)");
            return TpmResult.Fail;
        }

        if (!manager.Manager.CanKeep(what)) return TpmResult.Fail;
        group.RenewAikAuth();
        if (!IdentityKey.TryMake(manager, group, request.LabelDigest, what, out IdentityKey? identity)) return TpmResult.Fail;
        group.SetIdentity(group.SaaModulus.Span, identity.Modulus.Span, identity.EncData.Span, group.RecoveryData.Span);
        if (manager.Manager.Save(what) is var failure and not TpmResult.Success) return failure;
        response.AikModulus = identity.Modulus;
        response.IdentityBinding = identity.Binding;
        manager.Log.Info($"{what}: it has a new identity key; who verifies its quotes has to be told");
        return TpmResult.Success;
    }
}
