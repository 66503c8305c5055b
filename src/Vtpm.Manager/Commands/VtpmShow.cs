using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_VTPM_SHOW</c>: what is known of a vTPM, also of one that its group does not admit. The original never implemented it.
/// </summary>
internal sealed class VtpmShow() : ManagerCommand<VtpmUuid, VtpmShowResponse>(VtpmManagerOrdinal.VtpmShow)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmUuid request, ref VtpmShowResponse response)
    {
        if (manager.Image.FindVtpm(request.Uuid) is not { } vtpm) return TpmResult.BadParameter;
        response.Group = (uint)vtpm.Group.Index;
        response.GroupUuid = vtpm.Group.Uuid;
        if (manager.Manager.IsAdministrator(vtpm)) response.Rights |= VtpmRights.Admin;
        if (manager.Manager.IsOpen(vtpm.Uuid)) response.State |= VtpmStates.Connected;
        if (vtpm.Group.IsOpen)
        {
            response.State |= VtpmStates.GroupOpen;
            if (vtpm.KeyData.ContainsAnyExcept((byte)0)) response.State |= VtpmStates.HasKey;
        }

        if (manager.Manager.LastLink(vtpm.Uuid) is not { } link) return TpmResult.Success;
        response.KernelHash = link.KernelHash;
        response.LabelHash = link.LabelHash;
        response.ExecutableHash = link.ExecutableHash ?? default;
        return TpmResult.Success;
    }
}
