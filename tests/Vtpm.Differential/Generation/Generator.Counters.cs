using Vtpm.Differential.Commands;
using Vtpm.Differential.Steps;

namespace Vtpm.Differential.Generation;

/// <content>Monotonic counters.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> CounterScenes() => [(2, CreateCounter), (5, IncrementCounter), (2, ReadCounter), (1, ReleaseCounter)];

    private void CreateCounter()
    {
        int counter = _world.NewNumber();
        Emit(Integrity.CreateCounter(counter, Bytes(4), Secrets.Counter, OsapOwner()), () => _world.Counters.Add(counter));
    }

    private void IncrementCounter()
    {
        int counter = AnyCounter();
        Emit(Integrity.IncrementCounter(counter, CounterAuth(counter)));
    }

    private void ReadCounter() => Emit(Integrity.ReadCounter(AnyCounter()));

    private void ReleaseCounter()
    {
        int counter = AnyCounter();
        if (Chance(50)) Emit(Integrity.ReleaseCounter(counter, CounterAuth(counter)), () => _world.Counters.Remove(counter));
        else Emit(Integrity.ReleaseCounterOwner(counter, Owner()), () => _world.Counters.Remove(counter));
    }

    private SessionUse CounterAuth(int counter)
    {
        if (Chance(75)) return Oiap(Secrets.Counter);
        int session = _world.NewNumber();
        Lead(Commands.Sessions.OsapCounter(session, counter, Secrets.Counter));
        return new SessionUse(session, Secrets.Counter, Chance(5));
    }
}
