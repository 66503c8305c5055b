using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <summary>
/// Makes up steps, a scene at a time: what leads up to a command (sessions, keys) and the command. Most of it is valid; some is spoilt on purpose.
/// The same seed and the same answers make the same steps.
/// </summary>
public sealed partial class Generator
{
    private readonly Random _random;
    private int? _transport;
    private readonly Queue<Step> _queue = new();
    private readonly (int Weight, Action Play)[] _scenes;
    private World _world;

    public Generator(int seed)
    {
        _random = new Random(seed);
        Beginning = Chance(80) ? Beginning.Owned : Chance(50) ? Beginning.OwnedUnlocked : Beginning.Unowned;
        _world = new World(Beginning);
        _scenes =
        [
            .. AdminScenes(), .. SessionScenes(), .. KeyScenes(), .. StorageScenes(), .. IntegrityScenes(), .. NvScenes(), .. CounterScenes(),
            .. DelegationScenes(), .. MigrationScenes(), .. TransportScenes(),
        ];
    }

    /// <summary>The state that both TPMs must have when the first step is run.</summary>
    public Beginning Beginning { get; }

    public Step Next()
    {
        while (_queue.Count == 0)
        {
            if (_world.Guesses >= 4) Forgive();
            else PlayScene();
        }

        return _queue.Dequeue();
    }

    /// <summary>Both TPMs were set back to a beginning: what was known of them is no longer true.</summary>
    public void StartOver(Beginning beginning)
    {
        _queue.Clear();
        _world = new World(beginning);
    }

    private void PlayScene()
    {
        if (!_world.IsOwned && Chance(5))
        {
            Own();
            return;
        }

        int choice = _random.Next(_scenes.Sum(scene => scene.Weight));
        foreach ((int weight, Action play) in _scenes)
        {
            if ((choice -= weight) >= 0) continue;
            play();
            return;
        }
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T Pick<T>(params IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A step that leads up to another: never spoilt.</summary>
    private void Lead(Step step, Action? onSuccess = null)
    {
        World world = _world;
        if (_transport is { } transport && step is CommandStep plain) step = plain.Through(transport);
        step.Observed = answer =>
        {
            if (step is CommandStep command) ObserveSessions(world, command, answer);
            if (answer.Succeeded) onSuccess?.Invoke();
        };
        _queue.Enqueue(step);
    }

    /// <summary>The step that a scene is about: spoilt now and then.</summary>
    private void Emit(CommandStep step, Action? onSuccess = null) =>
        Lead(Chance(12) && Spoil(step) is { } mutation ? step.With(mutation) : step, onSuccess);

    private static void ObserveSessions(World world, CommandStep command, StepAnswer answer)
    {
        if (answer.Result is TpmResult.AuthFail or TpmResult.Auth2Fail or TpmResult.DefendLockRunning) world.Guesses++;
        foreach (SessionUse use in command.Sessions)
        {
            if (!answer.Succeeded || !use.Continue) world.Sessions.Remove(use.Session);
        }
    }

    private Mutation? Spoil(CommandStep step)
    {
        int sessions = step.Sessions.Count;
        return Pick(Enum.GetValues<MutationKind>()) switch
        {
            MutationKind.WrongHmac when sessions > 0 && _world.Guesses < 4 => new Mutation(MutationKind.WrongHmac, _random.Next(sessions)),
            MutationKind.UnknownSession when sessions > 0 => new Mutation(MutationKind.UnknownSession, _random.Next(sessions)),
            // What goes through a transport session must have the size of its tag, or cannot be encrypted.
            MutationKind.Tag or MutationKind.Truncated when _transport is not null => null,
            MutationKind.Tag => new Mutation(MutationKind.Tag, Pick(0x00C0, 0x00C1, 0x00C2, 0x00C3, 0x00C4)),
            MutationKind.Truncated => new Mutation(MutationKind.Truncated, 1 + _random.Next(6)),
            MutationKind.Longer => new Mutation(MutationKind.Longer, 0),
            MutationKind.FlippedBit when step.Ordinal is not (TpmOrdinal.GetCapability or TpmOrdinal.SetCapability or TpmOrdinal.EstablishTransport) =>
                new Mutation(MutationKind.FlippedBit, _random.Next(1 << 16)),
            _ => null,
        };
    }

    /// <summary>An OIAP session, opened already or now, to use with a secret.</summary>
    private SessionUse Oiap(byte[] secret)
    {
        int session;
        if (_world.Sessions.Count > 0 && Chance(60))
        {
            session = Pick(_world.Sessions);
            _world.Sessions.Remove(session);
        }
        else
        {
            session = _world.NewNumber();
            Lead(Commands.Sessions.Oiap(session));
        }

        bool goesOn = Chance(60);
        if (goesOn) _world.Sessions.Add(session);
        return new SessionUse(session, secret, goesOn);
    }

    /// <summary>Two OIAP sessions that are not the same.</summary>
    private (SessionUse First, SessionUse Second) TwoOiaps(byte[] first, byte[] second)
    {
        SessionUse one = Oiap(first);
        _world.Sessions.Remove(one.Session);
        SessionUse two = Oiap(second);
        if (one.Continue) _world.Sessions.Add(one.Session);
        return (one, two);
    }

    private SessionUse OsapKey(int key, byte[] secret)
    {
        int session = _world.NewNumber();
        Lead(Commands.Sessions.OsapKey(session, key, secret));
        return new SessionUse(session, secret, Chance(5));
    }

    private SessionUse OsapOwner()
    {
        int session = _world.NewNumber();
        Lead(Commands.Sessions.OsapOwner(session, _world.OwnerAuth));
        return new SessionUse(session, _world.OwnerAuth, Chance(5));
    }

    /// <summary>OIAP or OSAP, as clients please.</summary>
    private SessionUse Owner() => Chance(75) ? Oiap(_world.OwnerAuth) : OsapOwner();

    private SessionUse KeyAuth(int key, byte[] secret) => Chance(75) ? Oiap(secret) : OsapKey(key, secret);

    private byte[] SecretOf(int key) =>
        key == SideMemory.Srk ? _world.SrkAuth : _world.Keys.Find(loaded => loaded.Number == key)?.Info.UsageAuth ?? Secrets.Key;

    /// <summary>Any selection of a few PCRs.</summary>
    private byte[] Select()
    {
        byte[] select = new byte[3];
        for (int count = _random.Next(4); count > 0; count--)
        {
            int pcr = _random.Next(24);
            select[pcr / 8] |= (byte)(1 << pcr % 8);
        }

        return select;
    }

    /// <summary>So that swtpm does not lock itself: the owner takes the guesses off the count, or the power does.</summary>
    private void Forgive()
    {
        if (_world.IsOwned && Chance(70)) Lead(Admin.Plain(TpmOrdinal.ResetLockValue, Owner()), () => _world.Guesses = 0);
        else PowerCycle();
        _world.Guesses = Math.Max(_world.Guesses, 3);
    }
}
