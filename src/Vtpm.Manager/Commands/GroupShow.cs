using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_GROUP_SHOW</c>: the group's authority and configuration.</summary>
internal sealed class GroupShow() : ManagerCommand<VtpmGroupRequest, VtpmGroupShowResponse>(VtpmManagerOrdinal.GroupShow)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRequest request, ref VtpmGroupShowResponse response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        response.GroupUuid = group.Uuid;
        response.SaaModulus = group.SaaModulus;
        response.Config = group.ToConfigList();
        return TpmResult.Success;
    }
}
