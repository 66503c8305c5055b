using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_UPDATE</c>: a configuration signed by the group's authority: the platforms that may open the group, and the kernels it admits.
/// For group 0 these platforms open the whole image.
/// </summary>
internal sealed class GroupUpdate() : ManagerCommand(VtpmManagerOrdinal.GroupUpdate)
{
    public override TpmResult Execute(in ManagerContext context, ReadOnlySpan<byte> parameters, Span<byte> body, out int length)
    {
        length = 0;
        return parameters.Length >= sizeof(uint) && WireFormat.Read(parameters[..sizeof(uint)], out VtpmGroupRequest request) == TpmResult.Success
            ? Update(context, request.Group, parameters[sizeof(uint)..])
            : TpmResult.BadParameter;
    }

    /// <summary>Gives the group the configuration in a file of either form.</summary>
    public static TpmResult Update(in ManagerContext manager, uint index, ReadOnlySpan<byte> file)
    {
        if (SignedConfiguration.Read(file) is not { } config) return TpmResult.BadParameter;
        if (manager.FindGroup(index, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        if (Judge(manager, group, config) is var judgement and not TpmResult.Success) return judgement;

        string what = $"GroupUpdate of group {index}";
        Warn(manager, group, config);
        group.SetConfiguration(config.Sequence, config.Platforms, config.Kernels);
        if (manager.Manager.SaveRevoking(what) is var failure and not TpmResult.Success) return failure;
        manager.Log.Info($"{what}: sequence {config.Sequence}, {config.Platforms.Count} platforms, {config.Kernels.Count} kernels");
        WarnOfConnected(manager, group, what);
        return TpmResult.Success;
    }

    private static TpmResult Judge(in ManagerContext manager, ManagerGroup group, SignedConfiguration config)
    {
        if (config.Platforms.Count > ManagerGroup.MaxPlatforms || config.Kernels.Count > ManagerGroup.MaxKernels)
        {
            string most = $"a group of this image has at most {ManagerGroup.MaxPlatforms} platforms and {ManagerGroup.MaxKernels} kernels";
            return Refuse(manager, group, most, TpmResult.Size);
        }

        if (!group.HasAuthority() || !config.IsSignedBy(group.SaaModulus.Span))
            return Refuse(manager, group, "its signature is not that of the group's authority", TpmResult.BadSignature);
        if (config.GroupUuid is { } uuid && uuid != group.Uuid) return Refuse(manager, group, $"it is for group {uuid}", TpmResult.BadParameter);
        // The original takes an equal number too, with any content.
        if (config.Sequence <= group.ConfigurationSequence)
            return Refuse(manager, group, $"its sequence {config.Sequence} is not above {group.ConfigurationSequence}", TpmResult.Fail);
        return group.Index == 0 && config.Platforms.Count == 0
            ? Refuse(manager, group, "without a platform nothing could be kept on disk", TpmResult.BadParameter)
            : TpmResult.Success;
    }

    private static void Warn(in ManagerContext manager, ManagerGroup group, SignedConfiguration config)
    {
        if (!config.CoversPcrs)
        {
            manager.Log.Warn(
                "GroupUpdate: the list is in the original's form: which PCRs its platforms are made of, nobody has signed; vtpm approve signs it with them");
        }

        IHardwareTpm hardware = manager.Hardware;
        if (config.Platforms.GroupBy(platform => platform.PcrMask).Any(same => IsPresent(hardware.ReadComposite(same.Key), same))) return;
        manager.Log.Warn(
            $"GroupUpdate: the present PCRs are no platform of group {group.Index}: after the next start it opens on the approved platforms only");
    }

    // Its key is in its memory: to end its connection would take the guest's TPM away and nothing else. A quote names kernel hash and list side by side.
    private static void WarnOfConnected(in ManagerContext manager, ManagerGroup group, string what)
    {
        string[] strangers =
            [.. manager.Manager.OpenLinks.Where(link => link.Vtpm!.Group == group && !group.Kernels.Contains(link.KernelHash)).Select(link => $"{link.Uuid}")];
        if (strangers.Length == 0) return;
        const int most = 10;
        string others = strangers.Length > most ? $" and {strangers.Length - most} more" : "";
        manager.Log.Warn(
            $"{what}: connected, and not admitted again under the hash by which they came: vTPMs {string.Join(", ", strangers.Take(most))}{others}");
    }

    private static bool IsPresent(TpmDigest present, IEnumerable<PlatformConfiguration> platforms) =>
        platforms.Any(platform => platform.DigestRelease == present);

    private static TpmResult Refuse(in ManagerContext manager, ManagerGroup group, string why, TpmResult result)
    {
        manager.Log.Error($"GroupUpdate of group {group.Index} refused: {why}");
        return result;
    }
}
