using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_GROUP_DEL</c>: removes a group with its vTPMs. Not group 0, without which an image does not open.</summary>
internal sealed class GroupDel() : ManagerCommand<VtpmGroupRequest, NoParameters>(VtpmManagerOrdinal.GroupDel)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRequest request, ref NoParameters response)
    {
        if (request.Group >= manager.Image.Groups.Count) return TpmResult.BadIndex;
        ManagerGroup group = manager.Image.Groups[(int)request.Group];
        ManagerService service = manager.Manager;
        if (request.Group == 0 || group.Vtpms.Any(vtpm => service.IsOpen(vtpm.Uuid))) return TpmResult.Fail;
        string what = $"GroupDel {group.Uuid} (group {request.Group})";
        if (!service.CanKeep(what)) return TpmResult.Fail;
        manager.Image.RemoveGroup(group);
        if (service.SaveRevoking(what) is var failure and not TpmResult.Success) return failure;
        service.Recoveries.Take(group)?.Dispose();
        return TpmResult.Success;
    }
}
