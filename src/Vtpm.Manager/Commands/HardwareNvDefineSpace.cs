using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>TPM_NV_DefineSpace</c> on the hardware TPM, by its owner. The original has no layout for it.</summary>
internal sealed class HardwareNvDefineSpace() : ManagerCommand<VtpmNvDefineSpaceRequest, NoParameters>(VtpmManagerOrdinal.TpmNvDefineSpace)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmNvDefineSpaceRequest request, ref NoParameters response)
    {
        if (manager.Administration is not { } hardware) return TpmResult.DisabledCmd;
        if (manager.IsOwnArea(request.PubInfo.NvIndex)) return TpmResult.AreaLocked;
        using var secret = new TpmSecret(request.AreaAuth.ReadOnlySpan);
        hardware.NvDefineSpace(request.PubInfo, secret);
        string size = request.PubInfo.DataSize == 0 ? "deleted" : $"{request.PubInfo.DataSize} bytes";
        manager.Log.Info($"NV area 0x{request.PubInfo.NvIndex:x8} of the hardware TPM: {size}");
        return TpmResult.Success;
    }
}
