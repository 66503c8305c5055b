using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>GROUP_ROTATE</c>, ours: new keys for a group, by which everything in it is written anew.</summary>
internal sealed class GroupRotate() : ManagerCommand<VtpmGroupRequest, NoParameters>(VtpmManagerOrdinal.GroupRotate)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRequest request, ref NoParameters response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        string what = $"GroupRotate of group {request.Group}";
        if (!manager.Manager.CanKeep(what)) return TpmResult.Fail;
        group.RotateKeys();
        if (manager.Manager.SaveRevoking(what) is var failure and not TpmResult.Success) return failure;
        manager.Manager.MarkNew(group);
        manager.Log.Info($"{what}: new keys; what its authority has from a registration before opens it no longer (group-register)");
        return TpmResult.Success;
    }
}
