using System.Diagnostics;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>Executes programs, and holds every command of them to what is true of all: see <see cref="TheoryRunner"/>, and below.</summary>
public sealed class SessionMachine
{
    /// <summary>No command takes so long, whatever else the machine does; the RSA here costs nothing.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly Lazy<IReadOnlyList<PreparedTpm>> Prepared = new(() => [.. Enum.GetValues<SessionStart>().Select(PreparedTpm.Of)]);

    private readonly SeededRandom _random;
    private readonly TransparentRsa _rsa;
    private readonly ManualTime _time = new();
    private readonly Tpm12 _engine;
    private readonly TheoryRunner _runner;
    private readonly RequestAssembler _assembler;
    private readonly List<SessionAnswer> _answers;
    private readonly ScratchArena _arena = new();

    public SessionMachine(SessionStart start)
    {
        PreparedTpm prepared = Prepared.Value[(int)start];
        State = prepared.State;
        _answers = [.. prepared.Answers];
        _random = new SeededRandom { Position = prepared.RandomPosition };
        _rsa = new TransparentRsa { Position = prepared.RsaPosition };
        _engine = FuzzPlatform.NewEngine(_random, _time, _rsa);
        _runner = new TheoryRunner(_engine);
        _assembler = new RequestAssembler(_engine.Commands);
    }

    public TpmState State { get; private set; }

    /// <summary>Told how each command of the program ended.</summary>
    public Action<SessionStep, TpmResult>? Done { get; init; }

    public static void Run(ReadOnlySpan<byte> input)
    {
        (SessionStart start, List<SessionStep> steps) = SessionProgram.Read(input);
        var machine = new SessionMachine(start);
        foreach (SessionStep step in steps) machine.Run(step);
    }

    public TpmResult Run(in SessionStep step)
    {
        if (step.Control.HasFlag(StepControl.Restore)) State = State with { Permanent = RoundTrip(State.Permanent) };
        if (step.Control.HasFlag(StepControl.PowerCycle)) State = _engine.PowerOn(State.Permanent);
        if (step.Control.HasFlag(StepControl.Wait)) _time.Advance(TimeSpan.FromSeconds(1 << (step.Wait & 31)));
        long started = Stopwatch.GetTimestamp();
        TpmResult result = _runner.Run(State, step.Locality, _assembler.Assemble(State, _answers, step), out TpmState after);
        if (Stopwatch.GetElapsedTime(started) > Patience) throw new TheoryException($"{(TpmOrdinal)step.Ordinal} took longer than {Patience}");
        if (!ReferenceEquals(after.Permanent, State.Permanent)) RoundTrip(after.Permanent);
        CheckLimits(after);
        if (result == TpmResult.Success) _answers.Add(new SessionAnswer(step.Ordinal, _runner.Response.ToArray()));
        State = after;
        Done?.Invoke(step, result);
        return result;
    }

    /// <summary>The state as it comes back from its bytes, which are the same ones when it is written again.</summary>
    private PermanentState RoundTrip(PermanentState state)
    {
        try
        {
            ReadOnlyMemory<byte> bytes = StateFormat.Write(state, _arena);
            PermanentState restored = StateFormat.Read(bytes.Span, _rsa);
            ReadOnlyMemory<byte> again = StateFormat.Write(restored, _arena);
            return again.Span.SequenceEqual(bytes.Span) ? restored : throw new TheoryException("the permanent state comes back as another one");
        }
        finally
        {
            _arena.Clear();
        }
    }

    /// <summary>What TPM_GetCapability promises is held.</summary>
    private void CheckLimits(TpmState state)
    {
        TpmProfile profile = _engine.Platform.Profile;
        CheckLimit("loaded keys", state.Keys.Count, profile.KeySlots);
        CheckLimit("open sessions", state.Sessions.Count, profile.AuthSessions);
        CheckLimit("saved session contexts", state.StAnyData.ContextList.Count, profile.ContextSlots);
        CheckLimit("counters", state.Permanent.Counters.Counters.Count, profile.Counters);
    }

    private static void CheckLimit(string what, int count, int limit)
    {
        if (count > limit) throw new TheoryException($"there are {count} {what}, of {limit}");
    }
}
