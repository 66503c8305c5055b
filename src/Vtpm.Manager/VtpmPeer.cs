using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>The vTPM at the other end of a connection, as whatever carries the connection vouches for it: no command of the vTPM says so.</summary>
/// <param name="Uuid">The vTPM.</param>
/// <param name="Label">The XSM label of its domain, or what stands for one (<see cref="VtpmLabel"/>).</param>
public sealed record VtpmPeer(Guid Uuid, string Label)
{
    /// <summary>SHA-1 of the executable that it runs, where that was measured: a group may admit it by this one, too.</summary>
    public TpmDigest? ExecutableHash { get; init; }
}
