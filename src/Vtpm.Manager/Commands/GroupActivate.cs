using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_GROUP_ACTIVATE</c>: TPM_ActivateIdentity for the group's identity key: the key of a privacy CA's credential.</summary>
internal sealed class GroupActivate() : ActivationCommand<VtpmGroupActivateRequest>(VtpmManagerOrdinal.GroupActivate)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupActivateRequest request, ref TpmSymmetricKey response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        if (!manager.CanSpeakFor(group, "GroupActivate")) return TpmResult.Fail;
        if (request.Blob.Length > LongestBlob) return TpmResult.BadParameter;
        response = manager.Hardware.ActivateIdentity(group, request.Blob);
        return TpmResult.Success;
    }
}
