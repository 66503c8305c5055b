using System.Collections.Immutable;

namespace Vtpm.SystemTests;

/// <summary>What lasts in a TPM, as far as the load changes it. Two of them are equal when nobody could tell their TPMs apart.</summary>
internal sealed record TpmLedger
{
    /// <summary>Which of the load's secrets is the owner's; null when there is no owner.</summary>
    public int? Owner { get; init; }

    /// <summary>The areas of NV storage, by index, with the number that was written last.</summary>
    public ImmutableSortedDictionary<uint, uint> Areas { get; init; } = ImmutableSortedDictionary<uint, uint>.Empty;

    /// <summary>The monotonic counters, by their identifier.</summary>
    public ImmutableSortedDictionary<uint, uint> Counters { get; init; } = ImmutableSortedDictionary<uint, uint>.Empty;

    /// <summary>The TPM after its owner has stepped down: what is the owner's is gone.</summary>
    public static TpmLedger Cleared { get; } = new();

    public bool Equals(TpmLedger? other) =>
        other is not null && Owner == other.Owner && Areas.SequenceEqual(other.Areas) && Counters.SequenceEqual(other.Counters);

    public override int GetHashCode() => HashCode.Combine(Owner, Areas.Count, Counters.Count);

    public override string ToString() => $"owner {Owner?.ToString() ?? "none"}, areas [{Text(Areas)}], counters [{Text(Counters)}]";

    private static string Text(ImmutableSortedDictionary<uint, uint> values) => string.Join(" ", values.Select(value => $"{value.Key:x}={value.Value}"));
}
