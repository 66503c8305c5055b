namespace Vtpm.Storage;

/// <summary>What was changed in memory since the last save, so that a save that fails can take it back.</summary>
internal sealed class ChangeLog
{
    private readonly List<(Action Undo, Action? Settle)> _changes = [];

    /// <summary>So many changes: what <see cref="RollbackTo"/> goes back to.</summary>
    public int Count => _changes.Count;

    /// <param name="undo">Takes the change back; runs when everything after it has been taken back.</param>
    /// <param name="settle">Runs when the change can no longer be taken back: zeroes what it replaced.</param>
    public void Record(Action undo, Action? settle = null) => _changes.Add((undo, settle));

    public void Commit()
    {
        foreach ((_, Action? settle) in _changes) settle?.Invoke();
        _changes.Clear();
    }

    public void Rollback() => RollbackTo(0);

    /// <summary>Takes back all but the first <paramref name="count"/> changes.</summary>
    public void RollbackTo(int count)
    {
        for (int i = _changes.Count - 1; i >= count; i--)
        {
            Action undo = _changes[i].Undo;
            _changes.RemoveAt(i);
            undo();
        }
    }
}
