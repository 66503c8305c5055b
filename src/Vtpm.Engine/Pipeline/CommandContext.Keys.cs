using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>What a command does with a key: decides whether TPM_PRIV_USE_ONLY and the PCRs matter (Part 2 §5.9, §5.10).</summary>
public enum KeyUse
{
    /// <summary>Uses the private half.</summary>
    Private,

    /// <summary>Reads the public half (TPM_GetPubKey, TPM_CertifyKey).</summary>
    ReadPublic,
}

/// <content>Keys: finding them, and checking that they may be used now.</content>
public sealed partial class CommandContext
{
    /// <summary>The key behind <paramref name="handle"/>: in a slot, or the SRK.</summary>
    /// <returns>TPM_INVALID_KEYHANDLE for a handle of no key; TPM_NOSRK for the SRK of a TPM without owner.</returns>
    public TpmResult FindKey(uint handle, out LoadedKey key)
    {
        key = null!;
        if (handle == TpmKeyHandle.Srk)
        {
            if (PermanentData.Srk is null) return TpmResult.NoSrk;
            key = PermanentData.Srk;
            return TpmResult.Success;
        }

        if (!State.Keys.TryFind(handle, out LoadedKey? found)) return TpmResult.InvalidKeyHandle;
        key = found;
        return TpmResult.Success;
    }

    /// <summary>
    /// Finds the key, checks what it is bound to, and authorizes its use with the next session: the PCRs first, so that nobody can try secrets on a
    /// key that is not usable (Part 3 §18.1.1 action 11). Without a session the key must not need one (Part 1 §13 rules 6 and 8).
    /// </summary>
    public TpmResult UseKey(uint handle, out LoadedKey key, KeyUse use = KeyUse.Private)
    {
        if (FindKey(handle, out key).Failed(out TpmResult error)) return error;
        bool ignoresPcrs = use == KeyUse.ReadPublic && key.Key.KeyFlags.HasFlag(TpmKeyFlags.PcrIgnoredOnRead);
        if (!ignoresPcrs && key.Binding.Check(State.Pcrs, LocalityBit).Failed(out error)) return error;
        return AuthorizeKey(key, use);
    }

    /// <summary>Authorizes the use of a key with the next session, or without one where the key does not ask for it.</summary>
    public TpmResult AuthorizeKey(LoadedKey key, KeyUse use = KeyUse.Private)
    {
        if (NextAuth is { } auth)
        {
            if (auth.Session.Delegation is not null && CheckRestriction(key).Failed(out TpmResult error)) return error;
            return Authorize(key.Entity, key.UsageAuth);
        }

        _authorizations++;
        bool needsNone = key.Key.AuthDataUsage == TpmAuthDataUsage.Never
            || key.Key.AuthDataUsage == TpmAuthDataUsage.PrivUseOnly && use == KeyUse.ReadPublic;
        return needsNone ? TpmResult.Success : TpmResult.AuthFail;
    }

    /// <summary>Puts a key into a free slot under a handle of its own: <paramref name="preferred"/>, when it is given and free.</summary>
    /// <returns>TPM_NOSPACE when all slots are taken.</returns>
    public TpmResult LoadKey(LoadedKey key, out uint handle, uint? preferred = null)
    {
        handle = 0;
        if (State.Keys.Count >= Platform.Profile.KeySlots) return TpmResult.NoSpace;
        handle = NewHandle(State.Keys, TpmResourceType.Key, preferred);
        State = State with { Keys = State.Keys.Add(key with { Handle = handle }) };
        return TpmResult.Success;
    }

    /// <summary>Takes a key out of its slot and ends the sessions that are bound to it.</summary>
    public void UnloadKey(LoadedKey key)
    {
        State = State with { Keys = State.Keys.Remove(key.Handle) };
        EndSessionsOf(key.Entity);
    }
}
