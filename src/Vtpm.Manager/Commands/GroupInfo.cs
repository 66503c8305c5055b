using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>GROUP_INFO</c>, ours: a group, open or closed, and lists of any length piece by piece.</summary>
internal sealed class GroupInfo() : ManagerCommand<VtpmGroupInfoRequest, VtpmGroupInfoResponse>(VtpmManagerOrdinal.GroupInfo)
{
    /// <summary>With all else they fit: 64 · 25 and 80 · 20 bytes beside some 600.</summary>
    private const int PlatformsAtOnce = 64;

    private const int KernelsAtOnce = 80;

    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupInfoRequest request, ref VtpmGroupInfoResponse response)
    {
        if (manager.FindAnyGroup(request.Group) is not { } group) return TpmResult.BadIndex;
        response = new VtpmGroupInfoResponse
        {
            GroupUuid = group.Uuid,
            State = StateOf(manager, group),
            SaaModulus = group.SaaModulus,
            AikModulus = group.AikPublic,
            GroupSequence = group.Sequence,
            ConfigurationSequence = group.ConfigurationSequence,
            Vtpms = (uint)group.VtpmCount,
            PlatformCount = (uint)group.Platforms.Count,
            KernelCount = (uint)group.Kernels.Count,
            Platforms = [.. Page(group.Platforms, request.PlatformOffset, PlatformsAtOnce).Select(ToPlatform)],
            Kernels = [.. Page(group.Kernels, request.KernelOffset, KernelsAtOnce)],
        };
        return TpmResult.Success;
    }

    private static VtpmPlatform ToPlatform(SealEntry entry) =>
        new() { PcrSelection = PcrList.ToSelection(entry.PcrMask), Composite = entry.DigestRelease };

    private static IEnumerable<T> Page<T>(IReadOnlyList<T> items, uint offset, int atOnce) =>
        items.Skip((int)Math.Min(offset, (uint)items.Count)).Take(atOnce);

    private static VtpmGroupStates StateOf(in ManagerContext manager, ManagerGroup group)
    {
        var state = VtpmGroupStates.None;
        if (group.IsOpen) state |= VtpmGroupStates.Open;
        if (group.HasAuthority()) state |= VtpmGroupStates.Authority;
        if (group.HasIdentity()) state |= VtpmGroupStates.Identity;
        if (group.RollbackDetected) state |= VtpmGroupStates.RollbackDetected;
        if (manager.Manager.IsNew(group)) state |= VtpmGroupStates.Registrable;
        if (manager.Manager.Recoveries.Contains(group)) state |= VtpmGroupStates.Recovering;
        if (group.IsRecovered) state |= VtpmGroupStates.Recovered;
        return state;
    }
}
