using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>Sessions, contexts, handles.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> SessionScenes() =>
        [(4, OpenOiap), (4, OpenAndFlush), (5, SaveSession), (5, SaveKey), (2, FlushKey), (1, FlushNothing), (1, OldHandles)];

    private void OpenOiap()
    {
        int session = _world.NewNumber();
        Emit(Sessions.Oiap(session), () => _world.Sessions.Add(session));
    }

    private void OpenAndFlush()
    {
        int session = _world.NewNumber();
        CommandStep open = _random.Next(6) switch
        {
            0 => Sessions.OsapOwner(session, _world.OwnerAuth),
            1 => Sessions.OsapSrk(session, _world.SrkAuth),
            2 => Sessions.OsapNv(session, Pick(Comparison.StateProbe.NvIndexes), Secrets.Nv),
            3 => Sessions.OsapCounter(session, AnyCounter(), Secrets.Counter),
            4 => Sessions.OsapKey(session, AnyKey(), Secrets.Key),
            _ => AnyEntity(session),
        };
        Emit(open);
        Emit(Sessions.FlushSession(session));
    }

    private CommandStep AnyEntity(int session)
    {
        int type = _random.Next(0x10);
        return Sessions.Osap(session, type, $"entity of type {type}", request => request.UInt32(TpmKeyHandle.Owner), Secrets.Owner);
    }

    private void SaveSession()
    {
        int session = _world.NewNumber(), blob = _world.NewNumber();
        Lead(Sessions.Oiap(session));
        Emit(Sessions.SaveSession(session, blob));
        if (Chance(20)) PlayScene();
        if (Chance(10)) Emit(Sessions.FlushContext(blob));
        Emit(Sessions.LoadContext(blob, session, isKey: false), () => _world.Sessions.Add(session));
        // A saved session returns once.
        if (Chance(20)) Emit(Sessions.LoadContext(blob, session, isKey: false));
    }

    private void SaveKey()
    {
        if (_world.Keys.Count == 0) return;
        WorldKey key = Pick(_world.Keys);
        int blob = _world.NewNumber();
        Emit(Sessions.SaveKey(key.Number, blob));
        Lead(Sessions.FlushKey(key.Number), () => _world.Keys.Remove(key));
        if (Chance(20)) PlayScene();
        Emit(Sessions.LoadContext(blob, key.Number, isKey: true), () => _world.Keys.Add(key));
    }

    private void FlushKey()
    {
        if (_world.Keys.Count == 0) return;
        WorldKey key = Pick(_world.Keys);
        Emit(Chance(50) ? Sessions.FlushKey(key.Number) : Keys.Evict(key.Number), () => _world.Keys.Remove(key));
    }

    private void FlushNothing() =>
        Emit(Sessions.Flush("no handle", request => request.UInt32((uint)_random.Next(16)), (TpmResourceType)_random.Next(10)));

    /// <summary>TPM_Terminate_Handle, on a session.</summary>
    private void OldHandles()
    {
        int session = _world.NewNumber();
        Lead(Sessions.Oiap(session));
        Emit(Sessions.Terminate(session));
    }

    /// <summary>A key that is there, mostly.</summary>
    private int AnyKey() => _world.Keys.Count > 0 && Chance(90) ? Pick(_world.Keys).Number : Chance(85) ? SideMemory.Srk : Pick(SideMemory.Ek, 9);

    private int AnyCounter() => _world.Counters.Count > 0 && Chance(90) ? Pick(_world.Counters) : 9;
}
