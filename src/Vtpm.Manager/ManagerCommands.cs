using Vtpm.Manager.Commands;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>All commands, in the order of their ordinals.</summary>
internal static class ManagerCommands
{
    /// <summary>VTPM_TAG_REQ: of every vTPM.</summary>
    public static IReadOnlyDictionary<VtpmManagerOrdinal, ManagerCommand> OfVtpms { get; } = Table(
        new SaveHashKey(),
        new LoadHashKey(),
        new GetBootHash(),
        new GetQuote());

    /// <summary>VTPM_TAG_REQ2: of administrators.</summary>
    public static IReadOnlyDictionary<VtpmManagerOrdinal, ManagerCommand> OfAdministrators { get; } = Table(
        new GroupList(),
        new GroupNew(),
        new GroupDel(),
        new GroupActivate(),
        new GroupRegister(),
        new GroupUpdate(),
        new GroupShow(),
        new GroupQuote(),
        new GroupRecover1(),
        new GroupRecover2(),
        new VtpmList(),
        new VtpmShow(),
        new VtpmEdit(),
        new VtpmNew(),
        new VtpmDel(),
        new HardwareMakeIdentity(),
        new HardwareActivateIdentity(),
        new HardwareReadPubek(),
        new HardwareNvDefineSpace(),
        new HardwareNvWriteValue(),
        new HardwareNvReadValue(),
        new ManagerInfo(),
        new ManagerRotate(),
        new ManagerPlatform(),
        new ManagerEscrow(),
        new GroupInfo(),
        new GroupUpdatePart(),
        new GroupRotate(),
        new GroupIdentity(),
        new GroupAccept());

    private static Dictionary<VtpmManagerOrdinal, ManagerCommand> Table(params ReadOnlySpan<ManagerCommand> commands)
    {
        var table = new Dictionary<VtpmManagerOrdinal, ManagerCommand>();
        foreach (ManagerCommand command in commands) table.Add(command.Ordinal, command);
        return table;
    }
}
