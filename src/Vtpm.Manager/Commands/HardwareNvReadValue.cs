using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>TPM_NV_ReadValue</c> on the hardware TPM. The original has no layout for it.</summary>
internal sealed class HardwareNvReadValue() : ManagerCommand<VtpmNvReadValueRequest, VtpmNvReadValueResponse>(VtpmManagerOrdinal.TpmNvReadValue)
{
    /// <summary>At once; with room for what else is in a message.</summary>
    public const int MostBytes = 3072;

    protected override TpmResult Execute(in ManagerContext manager, in VtpmNvReadValueRequest request, ref VtpmNvReadValueResponse response)
    {
        if (manager.Administration is not { } hardware) return TpmResult.DisabledCmd;
        if (manager.IsOwnArea(request.NvIndex)) return TpmResult.AreaLocked;
        if (request.DataSize > MostBytes) return TpmResult.BadParameter;
        byte[] data = hardware.NvReadValue(request.NvIndex, request.Offset, request.DataSize);
        if (data.Length > request.DataSize) return TpmResult.Fail;
        response.Data = data;
        return TpmResult.Success;
    }
}
