using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_VTPM_NEW</c>: a vTPM in a group, without key data yet. A uuid that is taken is TPM_BAD_PARAMETER.</summary>
internal sealed class VtpmNew() : ManagerCommand<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmNewRequest request, ref VtpmUuid response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        Guid uuid = request.Uuid ?? Guid.NewGuid();
        string what = $"VtpmNew {uuid} in group {request.Group}";
        if (!manager.Manager.CanKeep(what)) return TpmResult.Fail;
        if (group.AddVtpm(uuid, ManagerVtpmFlags.None) is null) return TpmResult.BadParameter;
        response.Uuid = uuid;
        return manager.Manager.Save(what);
    }
}
