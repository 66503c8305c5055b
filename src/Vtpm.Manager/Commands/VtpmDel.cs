using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_VTPM_DEL</c>: forgets a vTPM, unless it is open: its disk image can never be opened again.</summary>
internal sealed class VtpmDel() : ManagerCommand<VtpmUuid, NoParameters>(VtpmManagerOrdinal.VtpmDel)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmUuid request, ref NoParameters response)
    {
        if (manager.Image.FindVtpm(request.Uuid) is not { } vtpm) return TpmResult.BadParameter;
        if (!vtpm.Group.IsOpen) return TpmResult.AuthFail;
        if (manager.Manager.IsOpen(request.Uuid)) return TpmResult.Fail;
        string what = $"VtpmDel {request.Uuid}";
        if (!manager.Manager.CanKeep(what)) return TpmResult.Fail;
        vtpm.Group.RemoveVtpm(vtpm);
        return manager.Manager.SaveRevoking(what);
    }
}
