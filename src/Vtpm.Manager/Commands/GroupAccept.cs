using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>GROUP_ACCEPT</c>, ours: the state that an open group has was judged to be the right one, and is not marked any more.</summary>
internal sealed class GroupAccept() : ManagerCommand<VtpmGroupRequest, NoParameters>(VtpmManagerOrdinal.GroupAccept)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRequest request, ref NoParameters response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        string what = $"GroupAccept of group {request.Group}";
        if (!group.RollbackDetected)
        {
            manager.Log.Error($"{what} refused: nothing says that an older state of it was put into this image");
            return TpmResult.Fail;
        }

        group.AcknowledgeRollback();
        if (manager.Manager.Save(what) is var failure and not TpmResult.Success) return failure;
        manager.Log.Warn($"{what}: its state is taken for the right one, as was asked for");
        return TpmResult.Success;
    }
}
