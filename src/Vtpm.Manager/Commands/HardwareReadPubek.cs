using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>TPM_ReadPubek</c> on the hardware TPM, by its owner: its endorsement key. The original has no layout for it.</summary>
internal sealed class HardwareReadPubek() : ManagerCommand<NoParameters, TpmPubKey>(VtpmManagerOrdinal.TpmReadPubek)
{
    protected override TpmResult Execute(in ManagerContext manager, in NoParameters request, ref TpmPubKey response)
    {
        if (manager.Administration is not { } hardware) return TpmResult.DisabledCmd;
        response = hardware.ReadPubek();
        return TpmResult.Success;
    }
}
