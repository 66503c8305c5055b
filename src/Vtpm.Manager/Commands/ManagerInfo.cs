using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>MANAGER_INFO</c>, ours: the manager, and what it can keep.</summary>
internal sealed class ManagerInfo() : ManagerCommand<NoParameters, VtpmManagerInfoResponse>(VtpmManagerOrdinal.ManagerInfo)
{
    protected override TpmResult Execute(in ManagerContext manager, in NoParameters request, ref VtpmManagerInfoResponse response)
    {
        ManagerImage image = manager.Image;
        response = new VtpmManagerInfoResponse
        {
            ManagerUuid = image.Uuid,
            State = (image.IsPersistent ? VtpmManagerStates.Persistent : 0) | (image.IsInDoubt ? VtpmManagerStates.InDoubt : 0),
            Groups = (uint)image.Groups.Count,
            Vtpms = (uint)image.Groups.Sum(group => group.VtpmCount),
            ImageSequence = image.Sequence,
            CounterValue = image.CounterValue,
            MaxPlatforms = ManagerGroup.MaxPlatforms,
            MaxKernels = ManagerGroup.MaxKernels,
            LongestConfiguration = ConfigurationUpload.Longest,
        };
        return TpmResult.Success;
    }
}
