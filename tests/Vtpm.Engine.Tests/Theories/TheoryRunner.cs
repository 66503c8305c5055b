using System.Buffers.Binary;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>Executes any bytes on any state, and holds every answer to what is true of all of them.</summary>
public sealed class TheoryRunner
{
    private readonly byte[] _response = new byte[Tpm12.MaxResponseSize];
    private readonly Tpm12 _engine = new TestTpm(TestTpm.EveryCommand, started: false).Engine;
    private Exception? _defect;

    public TheoryRunner() => _engine.CommandFailed += exception => _defect = exception;

    public CommandTable Commands => _engine.Commands;

    /// <summary>The result; the answer is well-formed, and a failure has left no more behind than it may.</summary>
    public TpmResult Run(TpmState state, int locality, ReadOnlySpan<byte> request)
    {
        TpmState after = _engine.Execute(state, request, locality, _response, out int length);
        if (_defect is not null) throw new InvalidOperationException($"{Hex(request)} threw", _defect);
        TpmResult result = CheckResponse(_response.AsSpan(0, length), request);
        if (result != TpmResult.Success) CheckFailureEffects(state, after, request);
        return result;
    }

    /// <summary>The state that an entry leaves.</summary>
    public TpmState After(CorpusEntry entry) => _engine.Execute(entry.State, entry.Request, entry.Locality, _response, out _);

    private static TpmResult CheckResponse(ReadOnlySpan<byte> response, ReadOnlySpan<byte> request)
    {
        bool isSized = response.Length >= CorpusEntry.HeaderSize && BinaryPrimitives.ReadInt32BigEndian(response[2..]) == response.Length;
        Assert.True(isSized, $"{Hex(request)} was answered with the wrong size: {Hex(response)}");
        TpmResult result = TestTpm.ResultOf(response);
        int tag = BinaryPrimitives.ReadUInt16BigEndian(response);
        if (result == TpmResult.Success) Assert.Equal(BinaryPrimitives.ReadUInt16BigEndian(request) + 3, tag);
        else Assert.Equal(((int)TpmTag.RspCommand, CorpusEntry.HeaderSize), (tag, response.Length));
        return result;
    }

    /// <summary>
    /// A failure may end sessions, end the DAA session that it is about, end the SHA-1 thread and count against guessing; TPM_Startup(ST_STATE) with nothing to restore ends in failure
    /// mode. It changes nothing else: every other region is the same.
    /// </summary>
    private static void CheckFailureEffects(TpmState before, TpmState after, ReadOnlySpan<byte> request)
    {
        if (ReferenceEquals(before, after)) return;
        DictionaryAttack attack = after.Permanent.DictionaryAttack;
        bool isGuess = attack.FailedAuthorizations == before.Permanent.DictionaryAttack.FailedAuthorizations + 1;
        bool isPossible = isGuess
            ? after.Permanent == before.Permanent with { DictionaryAttack = attack }
            : ReferenceEquals(after.Permanent, before.Permanent) && after.LockoutStart == before.LockoutStart;
        foreach (AuthSession session in after.Sessions.Items) isPossible &= ReferenceEquals(before.Sessions.Find(session.Handle), session);
        foreach (TransportSession transport in after.Transports.Items) isPossible &= ReferenceEquals(before.Transports.Find(transport.Handle), transport);
        bool isDaa = CorpusEntry.OrdinalOf(request) is TpmOrdinal.DaaJoin or TpmOrdinal.DaaSign;
        foreach (DaaSession session in before.DaaSessions.Items)
            isPossible &= after.DaaSessions.Find(session.Handle) == session || isDaa && BinaryPrimitives.ReadUInt32BigEndian(request[10..]) == session.Handle;
        isPossible &= after.DaaSessions.Count <= before.DaaSessions.Count;
        isPossible &= after.Sha1Thread is null || ReferenceEquals(after.Sha1Thread, before.Sha1Thread);
        bool hasNothingToRestore = CorpusEntry.OrdinalOf(request) == TpmOrdinal.Startup && after.FailureCause == FailureCause.NoSavedState;
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
        Assert.True(isPossible, $"{Hex(request)} failed and changed the state");
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
