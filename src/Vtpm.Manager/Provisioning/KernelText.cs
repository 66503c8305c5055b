using System.Text;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>Kernel hashes, for people.</summary>
public static class KernelText
{
    private static readonly TpmDigest AnyVtpm = TpmDigest.Of(Encoding.UTF8.GetBytes(VtpmListener.AnyVtpmLabel));

    /// <summary>What a hash is of, where it is known, to follow it on a line.</summary>
    public static string Describe(TpmDigest kernel) => kernel == AnyVtpm ? $"  label:{VtpmListener.AnyVtpmLabel}, every vTPM on a socket" : "";
}
