using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

internal static class GroupExtensions
{
    /// <summary>Whether an authority governs the group and an identity key speaks for it: GROUP_NEW gives it both.</summary>
    public static bool HasIdentity(this ManagerGroup group) => group.SaaModulus.Span.ContainsAnyExcept((byte)0);

    public static VtpmConfigList ToConfigList(this ManagerGroup group) => new()
    {
        Sequence = group.ConfigurationSequence,
        Platforms = [.. group.Platforms.Select(platform => platform.DigestRelease)],
        Kernels = [.. group.Kernels],
    };
}
