using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_VTPM_LIST</c>: how many vTPMs a group has, and the uuids from an offset on, as many as fit.</summary>
internal sealed class VtpmList() : ManagerCommand<VtpmListRequest, VtpmListResponse>(VtpmManagerOrdinal.VtpmList)
{
    private const int MostUuids = (ManagerService.MaxLength - TpmHeader.Size - sizeof(uint)) / 16;

    protected override TpmResult Execute(in ManagerContext manager, in VtpmListRequest request, ref VtpmListResponse response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        int first = (int)Math.Min(request.Offset, (uint)group.VtpmCount);
        response.Total = (uint)group.VtpmCount;
        response.Uuids = [.. Enumerable.Range(first, Math.Min(MostUuids, group.VtpmCount - first)).Select(index => group.VtpmAt(index).Uuid)];
        return TpmResult.Success;
    }
}
