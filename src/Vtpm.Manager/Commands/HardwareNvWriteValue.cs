using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>TPM_NV_WriteValue</c> on the hardware TPM. The original has no layout for it.</summary>
internal sealed class HardwareNvWriteValue() : ManagerCommand<VtpmNvWriteValueRequest, NoParameters>(VtpmManagerOrdinal.TpmNvWriteValue)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmNvWriteValueRequest request, ref NoParameters response)
    {
        if (manager.Administration is not { } hardware) return TpmResult.DisabledCmd;
        if (manager.IsOwnArea(request.NvIndex)) return TpmResult.AreaLocked;
        if (request.Data.Length > HardwareNvReadValue.MostBytes) return TpmResult.BadParameter;
        hardware.NvWriteValue(request.NvIndex, request.Offset, request.Data);
        return TpmResult.Success;
    }
}
