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
        if (group.IsRecovered)
        {
            // Its list is still that of the platforms before, which would get the new keys; and what the authority has would open it no longer.
            manager.Log.Error(
                $"{what} refused: it is recovered, and its list has the platforms before; install one that has this platform first (group-update)");
            return TpmResult.Fail;
        }

        group.RotateKeys();
        if (manager.Manager.SaveRevoking(what) is var failure and not TpmResult.Success) return failure;
        manager.Manager.MarkNew(group);
        manager.Log.Info($"{what}: new keys; what its authority has from a registration before opens it no longer (group-register)");
        return TpmResult.Success;
    }
}
