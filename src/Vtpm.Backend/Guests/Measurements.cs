using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Vtpm.Wire;

namespace Vtpm.Backend;

/// <summary>What domain builders have left for the next start of vTPMs; in memory alone, so that a service that ends forgets, and refuses, rather than
/// measuring one boot for another.</summary>
internal sealed class Measurements
{
    private const int MostVtpms = 4096;

    private readonly Dictionary<Guid, ImmutableArray<BootMeasurement>> _left = [];

    /// <returns>False when there are too many already.</returns>
    public bool TryLeave(Guid uuid, ImmutableArray<BootMeasurement> measurements)
    {
        if (_left.Count >= MostVtpms && !_left.ContainsKey(uuid)) return false;
        _left[uuid] = measurements;
        return true;
    }

    public bool TryTake(Guid uuid, [MaybeNullWhen(false)] out ImmutableArray<BootMeasurement> measurements) => _left.Remove(uuid, out measurements);
}
