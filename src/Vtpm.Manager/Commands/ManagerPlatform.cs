using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>MANAGER_PLATFORM</c>, ours: the composite hash of the hardware's present PCRs, as an approval has it. A TPM 2.0 has it of PCRs that TPM_PCRRead
/// does
/// not tell. What every vTPM may read a vTPM may also ask here.
/// </summary>
internal sealed class ManagerPlatform() : ManagerCommand<TpmPcrSelection, VtpmManagerPlatformResponse>(VtpmManagerOrdinal.ManagerPlatform)
{
    protected override TpmResult Execute(in ManagerContext manager, in TpmPcrSelection request, ref VtpmManagerPlatformResponse response)
    {
        if (!PcrList.TryFromSelection(request, out uint mask)) return TpmResult.BadParameter;
        response = new VtpmManagerPlatformResponse
        {
            Family = manager.Hardware.Summary.Family,
            Bank = manager.Hardware.Summary.PcrBank,
            Composite = manager.Hardware.ReadComposite(mask),
        };
        return TpmResult.Success;
    }
}
