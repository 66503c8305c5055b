using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A monotonic counter (TPM_COUNTER_VALUE, Part 2 §5.13) with the secret that increments it.</summary>
/// <param name="Handle">The countID.</param>
/// <param name="Label">Four bytes of its creator.</param>
/// <param name="Value">The count.</param>
/// <param name="Auth">Who knows it may increment and release.</param>
public sealed record MonotonicCounter(uint Handle, uint Label, uint Value, Secret Auth) : IHandled
{
    /// <summary>TPM_STCLEAR_DATA countID when the counter of this boot cycle is gone: no counter has it (Part 3 §25.4 action 4).</summary>
    public const uint Illegal = 0xFFFFFFFF;

    /// <summary>What an authorization session is tied to when it is tied to this counter.</summary>
    public AuthEntity Entity => AuthEntity.Numbered(TpmEntityType.Counter, Handle);

    public TpmCounterValue CounterValue => new() { Label = Label, Counter = Value };

    public bool Equals(MonotonicCounter? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => (int)Handle;
}

/// <summary>
/// The monotonic counters (Part 1 §17, Part 3 §25). Each counts for itself; together they remember the highest value that any has had, which
/// outlives the counters, the owner and the power, so that a new counter never repeats a value. Immutable.
/// </summary>
public sealed class CounterTable
{
    private CounterTable(uint maxValue, HandleTable<MonotonicCounter> counters)
    {
        MaxValue = maxValue;
        Counters = counters;
    }

    public static CounterTable Empty { get; } = new(0, HandleTable<MonotonicCounter>.Empty);

    /// <summary>The highest value that any counter has, or has had.</summary>
    public uint MaxValue { get; }

    public HandleTable<MonotonicCounter> Counters { get; }

    public static CounterTable Of(uint maxValue, IEnumerable<MonotonicCounter> counters)
    {
        var table = HandleTable<MonotonicCounter>.Of(counters);
        foreach (MonotonicCounter counter in table.Items) maxValue = Math.Max(maxValue, counter.Value);
        return new(maxValue, table);
    }

    /// <summary>A new counter, above every value there was. Only while <see cref="MaxValue"/> is not the last number.</summary>
    public CounterTable Create(uint handle, uint label, Secret auth, out MonotonicCounter counter)
    {
        counter = new MonotonicCounter(handle, label, checked(MaxValue + 1), auth);
        return new(counter.Value, Counters.Add(counter));
    }

    /// <summary>Increments a counter of the table. Only while its value is not the last number.</summary>
    public CounterTable Increment(ref MonotonicCounter counter)
    {
        counter = counter with { Value = checked(counter.Value + 1) };
        return new(Math.Max(MaxValue, counter.Value), Counters.Replace(counter));
    }

    public CounterTable Release(uint handle) => new(MaxValue, Counters.Remove(handle));

    /// <summary>Without counters, as TPM_OwnerClear leaves it; the values that they had do not come back (Part 3 §6.2 action 11).</summary>
    public CounterTable ReleaseAll() => Counters.Count == 0 ? this : new(MaxValue, HandleTable<MonotonicCounter>.Empty);
}
