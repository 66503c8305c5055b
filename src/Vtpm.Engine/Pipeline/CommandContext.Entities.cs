using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>The entities that a session can be bound to, and their secrets.</content>
public sealed partial class CommandContext
{
    /// <summary>
    /// The secret that an entity has now, whatever handle it was named by; null when the entity is not here (any more). A session that was saved may
    /// return only to the same one.
    /// </summary>
    public Secret? SecretOf(in AuthEntity entity) => entity.Type switch
    {
        TpmEntityType.Owner => PermanentData.OwnerAuth,
        TpmEntityType.KeyHandle => KeyOf(entity)?.UsageAuth,
        TpmEntityType.Counter => Permanent.Counters.Counters.Find(entity.Number)?.Auth,
        TpmEntityType.Nv => Permanent.Nv.Find(entity.Number)?.Auth,
        _ => null,
    };

    private LoadedKey? KeyOf(in AuthEntity entity)
    {
        if (PermanentData.Srk is { } srk && srk.Entity == entity) return srk;
        foreach (LoadedKey key in State.Keys.Items)
        {
            if (key.Entity == entity) return key;
        }

        return null;
    }
}
