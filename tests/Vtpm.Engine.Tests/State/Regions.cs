using System.Collections;
using System.Reflection;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.State;

/// <summary>What a state is made of, so that a test speaks of every region, and of one that is added.</summary>
internal static class Regions
{
    /// <summary>The members that a state is made of: what can be initialized, or is a field.</summary>
    public static IEnumerable<(string Name, Func<object, object?> Get)> Of(Type type)
    {
        const BindingFlags Members = BindingFlags.Public | BindingFlags.Instance;
        foreach (PropertyInfo property in type.GetProperties(Members).Where(property => property.CanWrite)) yield return (property.Name, property.GetValue);
        foreach (FieldInfo field in type.GetFields(Members)) yield return (field.Name, field.GetValue);
    }

    /// <summary>Equal, or collections of the same: most regions are compared by reference elsewhere.</summary>
    public static bool Same(object? left, object? right) => (left, right) switch
    {
        (HandleTable<LoadedKey> some, HandleTable<LoadedKey> others) => Same(some.Items.ToArray(), others.Items.ToArray()),
        (HandleTable<AuthSession> some, HandleTable<AuthSession> others) => some.Items.SequenceEqual(others.Items),
        (HandleTable<TransportSession> some, HandleTable<TransportSession> others) => some.Items.SequenceEqual(others.Items),
        (HandleTable<DaaSession> some, HandleTable<DaaSession> others) => some.Items.SequenceEqual(others.Items),
        (LoadedKey some, LoadedKey other) => (some.Handle, some.PubDataDigest) == (other.Handle, other.PubDataDigest),
        (TpmPubKey some, TpmPubKey other) => WireFormat.ToBytes(some).AsSpan().SequenceEqual(WireFormat.ToBytes(other)),
        (PcrBank some, PcrBank others) => Enumerable.Range(0, PcrBank.Count).All(pcr => some[pcr] == others[pcr]),
        (IReadOnlySet<uint> some, IReadOnlySet<uint> others) => some.SetEquals(others),
        (IEnumerable some, IEnumerable others) => Same([.. some.Cast<object>()], [.. others.Cast<object>()]),
        _ => Equals(left, right),
    };

    private static bool Same(object[] some, object[] others) => some.Length == others.Length && some.Zip(others).All(pair => Same(pair.First, pair.Second));
}
