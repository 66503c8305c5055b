using System.Diagnostics.CodeAnalysis;

namespace Vtpm.Engine;

/// <summary>Something the TPM hands out a handle for.</summary>
public interface IHandled
{
    uint Handle { get; }
}

/// <summary>An immutable table of a few resources by handle. Changing it makes a new one.</summary>
public sealed class HandleTable<T>
    where T : class, IHandled
{
    private readonly T[] _items;

    private HandleTable(T[] items) => _items = items;

    public static HandleTable<T> Empty { get; } = new([]);

    public int Count => _items.Length;

    public ReadOnlySpan<T> Items => _items;

    public static HandleTable<T> Of(IEnumerable<T> items) => new([.. items]);

    public T? Find(uint handle)
    {
        foreach (T item in _items)
        {
            if (item.Handle == handle) return item;
        }

        return null;
    }

    public bool TryFind(uint handle, [NotNullWhen(true)] out T? item) => (item = Find(handle)) is not null;

    public HandleTable<T> Add(T item) => new([.. _items, item]);

    public HandleTable<T> Remove(uint handle) => Without(item => item.Handle == handle);

    /// <summary>Puts <paramref name="item"/> in the place of the one with its handle.</summary>
    public HandleTable<T> Replace(T item)
    {
        T[] items = [.. _items];
        for (int i = 0; i < items.Length; i++)
        {
            if (items[i].Handle == item.Handle) items[i] = item;
        }

        return new(items);
    }

    public HandleTable<T> Without(Predicate<T> leaves) => Array.Exists(_items, leaves) ? new(Array.FindAll(_items, item => !leaves(item))) : this;
}
