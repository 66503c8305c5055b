using Vtpm.Storage;

namespace Vtpm.Manager;

/// <summary>Groups whose authorities were asked for their keys, each with the secret that the answer is to be read by. In memory alone.</summary>
internal sealed class PendingRecoveries : IDisposable
{
    private readonly Dictionary<Guid, DiffieHellman> _pending = [];

    public bool Contains(ManagerGroup group) => _pending.ContainsKey(group.Uuid);

    /// <summary>Keeps a secret, in the place of one that was not used.</summary>
    public void Begin(ManagerGroup group, DiffieHellman own)
    {
        Take(group)?.Dispose();
        _pending[group.Uuid] = own;
    }

    /// <summary>The secret, from now on the caller's; null when there is none.</summary>
    public DiffieHellman? Take(ManagerGroup group) => _pending.Remove(group.Uuid, out DiffieHellman? own) ? own : null;

    public void Dispose()
    {
        foreach (DiffieHellman own in _pending.Values) own.Dispose();
        _pending.Clear();
    }
}
