using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_GROUP_LIST</c>: how many groups there are.</summary>
internal sealed class GroupList() : ManagerCommand<NoParameters, VtpmGroupListResponse>(VtpmManagerOrdinal.GroupList)
{
    protected override TpmResult Execute(in ManagerContext manager, in NoParameters request, ref VtpmGroupListResponse response)
    {
        response.Count = (uint)manager.Image.Groups.Count;
        return TpmResult.Success;
    }
}
