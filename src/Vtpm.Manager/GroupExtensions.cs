using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

internal static class GroupExtensions
{
    /// <summary>Whether an authority governs the group: GROUP_NEW gives it one.</summary>
    public static bool HasAuthority(this ManagerGroup group) => group.SaaModulus.Span.ContainsAnyExcept((byte)0);

    /// <summary>Whether an identity key of the hardware TPM speaks for the group: GROUP_NEW gives it one where the hardware is a TPM 1.2.</summary>
    public static bool HasIdentity(this ManagerGroup group) => group.AikPublic.Span.ContainsAnyExcept((byte)0);

    public static VtpmConfigList ToConfigList(this ManagerGroup group) => new()
    {
        Sequence = group.ConfigurationSequence,
        Platforms = [.. group.Platforms.Select(platform => platform.DigestRelease)],
        Kernels = [.. group.Kernels],
    };
}
