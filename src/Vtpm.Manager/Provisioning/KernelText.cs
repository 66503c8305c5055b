using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>Kernel hashes, for people.</summary>
public static class KernelText
{
    private static readonly Dictionary<TpmDigest, string> Known = VtpmLabel.Anys.ToDictionary(any => ManagerLink.Hash(any.Key), any => $"  label:{any.Key}, {any.Value}");

    /// <summary>What a hash is of, where it is known, to follow it on a line.</summary>
    public static string Describe(TpmDigest kernel) => Known.GetValueOrDefault(kernel, "");
}
