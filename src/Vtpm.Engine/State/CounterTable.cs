namespace Vtpm.Engine;

/// <summary>The monotonic counters (Part 1 §17, Part 3 §25). Immutable.</summary>
public sealed class CounterTable
{
    public static CounterTable Empty { get; } = new();
}
