using System.Buffers.Binary;
using Vtpm.Engine;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <summary>Something that is true of every command was not true of one: a defect of the engine.</summary>
public sealed class TheoryException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Executes any bytes on any state, and holds every answer to what is true of all of them.</summary>
public sealed class TheoryRunner
{
    private const int HeaderSize = 10;

    private readonly byte[] _response = new byte[Tpm12.MaxResponseSize];
    private readonly Tpm12 _engine;
    private Exception? _defect;
    private int _length;

    public TheoryRunner()
        : this(new TestTpm(TestTpm.EveryCommand, started: false).Engine)
    {
    }

    public TheoryRunner(Tpm12 engine)
    {
        _engine = engine;
        _engine.CommandFailed += exception => _defect = exception;
    }

    public CommandTable Commands => _engine.Commands;

    /// <summary>The answer to the latest command.</summary>
    public ReadOnlySpan<byte> Response => _response.AsSpan(0, _length);

    /// <summary>The result; the answer is well-formed, and a failure has left no more behind than it may.</summary>
    public TpmResult Run(TpmState state, int locality, ReadOnlySpan<byte> request) => Run(state, locality, request, out _);

    /// <inheritdoc cref="Run(TpmState, int, ReadOnlySpan{byte})"/>
    /// <exception cref="TheoryException">Something of it is not so.</exception>
    public TpmResult Run(TpmState state, int locality, ReadOnlySpan<byte> request, out TpmState after)
    {
        after = Execute(state, locality, request);
        if (_defect is not null) throw new TheoryException($"{Hex(request)} threw", _defect);
        TpmResult result = CheckResponse(Response, request);
        if (result != TpmResult.Success) CheckFailureEffects(state, after, request);
        return result;
    }

    /// <summary>The state that a command leaves.</summary>
    public TpmState Execute(TpmState state, int locality, ReadOnlySpan<byte> request) =>
        _engine.Execute(state, request, locality, _response, out _length);

    private static TpmResult CheckResponse(ReadOnlySpan<byte> response, ReadOnlySpan<byte> request)
    {
        bool isSized = response.Length >= HeaderSize && BinaryPrimitives.ReadInt32BigEndian(response[2..]) == response.Length;
        if (!isSized) throw new TheoryException($"{Hex(request)} was answered with the wrong size: {Hex(response)}");
        TpmResult result = TestTpm.ResultOf(response);
        int tag = BinaryPrimitives.ReadUInt16BigEndian(response);
        bool isTagged = result == TpmResult.Success
            ? tag == BinaryPrimitives.ReadUInt16BigEndian(request) + 3
            : (tag, response.Length) == ((int)TpmTag.RspCommand, HeaderSize);
        return isTagged
            ? result
            : throw new TheoryException($"{Hex(request)} was answered with the wrong tag or an error that says too much: {Hex(response)}");
    }

    /// <summary>
    /// A failure may end sessions, end the DAA session that it is about, end the SHA-1 thread and count against guessing; TPM_Startup(ST_STATE) with nothing to restore ends in failure
    /// mode. It changes nothing else: every other region is the same.
    /// </summary>
    private static void CheckFailureEffects(TpmState before, TpmState after, ReadOnlySpan<byte> request)
    {
        if (ReferenceEquals(before, after)) return;
        DictionaryAttack attack = after.Permanent.DictionaryAttack;
        // Of the failures before it, some may have been forgiven by now.
        bool isGuess = attack != before.Permanent.DictionaryAttack
            && attack.FailedAuthorizations > 0 && attack.FailedAuthorizations <= before.Permanent.DictionaryAttack.FailedAuthorizations + 1;
        bool isPossible = isGuess
            ? after.Permanent == before.Permanent with { DictionaryAttack = attack }
            : ReferenceEquals(after.Permanent, before.Permanent) && after.LockoutStart == before.LockoutStart;
        foreach (AuthSession session in after.Sessions.Items) isPossible &= ReferenceEquals(before.Sessions.Find(session.Handle), session);
        foreach (TransportSession transport in after.Transports.Items) isPossible &= ReferenceEquals(before.Transports.Find(transport.Handle), transport);
        bool isDaa = OrdinalOf(request) is TpmOrdinal.DaaJoin or TpmOrdinal.DaaSign;
        foreach (DaaSession session in before.DaaSessions.Items)
            isPossible &= after.DaaSessions.Find(session.Handle) == session || isDaa && BinaryPrimitives.ReadUInt32BigEndian(request[10..]) == session.Handle;
        isPossible &= after.DaaSessions.Count <= before.DaaSessions.Count;
        isPossible &= after.Sha1Thread is null || ReferenceEquals(after.Sha1Thread, before.Sha1Thread);
        bool hasNothingToRestore = OrdinalOf(request) == TpmOrdinal.Startup && after.FailureCause == FailureCause.NoSavedState;
        isPossible &= before == after with
        {
            Permanent = before.Permanent,
            Sessions = before.Sessions,
            Transports = before.Transports,
            DaaSessions = before.DaaSessions,
            Sha1Thread = before.Sha1Thread,
            LockoutStart = before.LockoutStart,
            FailureCause = hasNothingToRestore ? before.FailureCause : after.FailureCause,
        };
        if (!isPossible) throw new TheoryException($"{Hex(request)} failed and changed the state");
    }

    private static TpmOrdinal OrdinalOf(ReadOnlySpan<byte> request) => (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request[6..]);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
