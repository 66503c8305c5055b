using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_UPDATE</c>: a configuration signed by the group's authority: the platforms that may open the group, and the kernels it admits.
/// For group 0 these platforms open the whole image.
/// </summary>
internal sealed class GroupUpdate() : ManagerCommand<VtpmGroupUpdateRequest, NoParameters>(VtpmManagerOrdinal.GroupUpdate)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupUpdateRequest request, ref NoParameters response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        VtpmConfigList config = request.Config;
        if (config.Platforms.Length > ManagerGroup.MaxPlatforms || config.Kernels.Length > ManagerGroup.MaxKernels) return TpmResult.Size;
        if (!TryReadPlatforms(request, out PlatformConfiguration[] platforms)) return TpmResult.BadParameter;
        if (!IsSigned(group, request)) return Refuse(manager, group, "its signature is not that of the group's authority", TpmResult.BadSignature);
        if (!IsNewer(group, config))
            return Refuse(manager, group, $"its sequence {config.Sequence} is not above {group.ConfigurationSequence}", TpmResult.Fail);
        if (request.Group == 0 && platforms.Length == 0)
            return Refuse(manager, group, "without a platform nothing could be kept on disk", TpmResult.BadParameter);

        Warn(manager, group, platforms);
        group.SetConfiguration(config.Sequence, platforms, config.Kernels);
        string what = $"GroupUpdate of group {request.Group}";
        if (manager.Manager.Save(what) is var failure and not TpmResult.Success) return failure;
        // The older root can be opened by the platforms before these. A failure here is logged and leaves what was acknowledged.
        if (manager.Image.EarlierSealsRemain) manager.Manager.Save($"{what} (ending the earlier seals)");
        manager.Log.Info($"{what}: sequence {config.Sequence}, {platforms.Length} platforms, {config.Kernels.Length} kernels");
        return TpmResult.Success;
    }

    private static bool TryReadPlatforms(in VtpmGroupUpdateRequest request, out PlatformConfiguration[] platforms)
    {
        platforms = new PlatformConfiguration[request.PcrSelections.Length];
        for (int i = 0; i < platforms.Length; i++)
        {
            if (!PcrMask.TryFromSelection(request.PcrSelections[i], out uint mask)) return false;
            platforms[i] = new PlatformConfiguration(mask, request.Config.Platforms[i]);
        }

        return true;
    }

    private static bool IsSigned(ManagerGroup group, in VtpmGroupUpdateRequest request) =>
        group.HasAuthority() && ApprovalSignature.Verify(group.SaaModulus.Span, WireFormat.ToBytes(request.Config), request.Signature.Span);

    // The original takes an equal number with any content. Here it is the same configuration once more: its PCRs, which nobody signs, may be corrected.
    private static bool IsNewer(ManagerGroup group, in VtpmConfigList config) =>
        config.Sequence > group.ConfigurationSequence
        || (config.Sequence == group.ConfigurationSequence && WireFormat.ToBytes(config).AsSpan().SequenceEqual(WireFormat.ToBytes(group.ToConfigList())));

    private static void Warn(in ManagerContext manager, ManagerGroup group, PlatformConfiguration[] platforms)
    {
        IHardwareTpm hardware = manager.Hardware;
        if (platforms.Any(platform => hardware.ReadComposite(platform.PcrMask) == platform.DigestRelease)) return;
        manager.Log.Warn(
            $"GroupUpdate: the present PCRs are no platform of group {group.Index}: after the next start it opens on the approved platforms only");
    }

    private static TpmResult Refuse(in ManagerContext manager, ManagerGroup group, string why, TpmResult result)
    {
        manager.Log.Error($"GroupUpdate of group {group.Index} refused: {why}");
        return result;
    }
}
