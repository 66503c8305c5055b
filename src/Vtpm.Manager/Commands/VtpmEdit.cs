using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_VTPM_EDIT</c>: gives a vTPM rights or takes them, at once. The original never implemented it.</summary>
internal sealed class VtpmEdit() : ManagerCommand<VtpmEditRequest, NoParameters>(VtpmManagerOrdinal.VtpmEdit)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmEditRequest request, ref NoParameters response)
    {
        if (((request.Mask | request.Rights) & ~VtpmRights.Admin) != 0) return TpmResult.BadParameter;
        if (manager.Image.FindVtpm(request.Uuid) is not { } vtpm) return TpmResult.BadParameter;
        if (!vtpm.Group.IsOpen) return TpmResult.AuthFail;
        string what = $"VtpmEdit {request.Uuid}";
        if (!manager.Manager.CanKeep(what)) return TpmResult.Fail;
        if ((request.Mask & VtpmRights.Admin) == 0) return TpmResult.Success;
        bool admin = (request.Rights & VtpmRights.Admin) != 0;
        vtpm.SetFlags(admin ? vtpm.Flags | ManagerVtpmFlags.Admin : vtpm.Flags & ~ManagerVtpmFlags.Admin);
        if ((admin ? manager.Manager.Save(what) : manager.Manager.SaveRevoking(what)) is var failure and not TpmResult.Success) return failure;
        manager.Log.Info($"{what}: {(admin ? "an administrator from now on" : "no administrator any more")}");
        return TpmResult.Success;
    }
}
