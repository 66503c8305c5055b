using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>A command under sessions that go on from call to call: opening them is no part of it.</summary>
internal abstract class AuthorizedOperation(Workbench bench, TpmOrdinal ordinal, int sessions) : Operation(bench)
{
    private readonly TpmSession[] _sessions = new TpmSession[sessions];

    public override TpmOrdinal[] Ordinals { get; } = [ordinal];

    public override void Prepare(int calls)
    {
        for (int i = 0; i < _sessions.Length; i++)
        {
            _sessions[i] = Bench.Client.Oiap(Bench.WellKnown);
            _sessions[i].Continue = true;
        }
    }

    public override void Call(int call) => Call(_sessions);

    public override void PutAway()
    {
        foreach (TpmSession session in _sessions) session.Dispose();
    }

    protected abstract void Call(ReadOnlySpan<TpmSession> sessions);
}

internal sealed class UnsealOperation(Workbench bench) : AuthorizedOperation(bench, TpmOrdinal.Unseal, sessions: 2)
{
    protected override void Call(ReadOnlySpan<TpmSession> sessions)
    {
        byte[] data = Bench.Client.Unseal(TpmKeyHandle.Srk, sessions[0], sessions[1], Bench.Sealed);
        if (!data.AsSpan().SequenceEqual(Bench.Data)) throw new BenchException("TPM_Unseal returned other data than was sealed");
    }
}

internal sealed class SignOperation(Workbench bench) : AuthorizedOperation(bench, TpmOrdinal.Sign, sessions: 1)
{
    protected override void Call(ReadOnlySpan<TpmSession> sessions) =>
        Bench.Client.Sign(Bench.SigningKeyHandle, sessions[0], Bench.Data.AsSpan(0, TpmDigest.Size));
}

internal sealed class QuoteOperation(Workbench bench) : AuthorizedOperation(bench, TpmOrdinal.Quote, sessions: 1)
{
    private static readonly TpmPcrSelection Pcrs = TpmPcrSelection.Of(0, 1, 2, 3, 4, 5, 6, 7);

    protected override void Call(ReadOnlySpan<TpmSession> sessions) => Bench.Client.Quote(Bench.SigningKeyHandle, sessions[0], default, Pcrs);
}

/// <summary>TPM_LoadKey2; the batch's keys are flushed after it.</summary>
internal sealed class LoadKeyOperation(Workbench bench) : AuthorizedOperation(bench, TpmOrdinal.LoadKey2, sessions: 1)
{
    private readonly List<uint> _handles = [];

    public override void PutAway()
    {
        foreach (uint handle in _handles) Bench.Client.FlushSpecific(handle, TpmResourceType.Key);
        _handles.Clear();
        base.PutAway();
    }

    protected override void Call(ReadOnlySpan<TpmSession> sessions) => _handles.Add(Bench.Client.LoadKey2(TpmKeyHandle.Srk, sessions[0], Bench.SigningKey));
}

/// <summary>A command that carries new authorization data: it ends its OSAP session, so each call has one of its own.</summary>
internal abstract class OsapOperation(Workbench bench, TpmOrdinal ordinal) : Operation(bench)
{
    private TpmSession[] _sessions = [];

    public override TpmOrdinal[] Ordinals { get; } = [ordinal];

    public override void Prepare(int calls) =>
        _sessions = [.. Enumerable.Range(0, calls).Select(_ => Bench.Client.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, Bench.WellKnown))];

    public override void Call(int call) => Call(_sessions[call]);

    public override void PutAway()
    {
        foreach (TpmSession session in _sessions) session.Dispose();
    }

    protected abstract void Call(TpmSession session);
}

internal sealed class SealOperation(Workbench bench) : OsapOperation(bench, TpmOrdinal.Seal)
{
    protected override void Call(TpmSession session) => Bench.Client.Seal(TpmKeyHandle.Srk, session, Bench.WellKnown, [], Bench.Data);
}

internal sealed class CreateWrapKeyOperation(Workbench bench) : OsapOperation(bench, TpmOrdinal.CreateWrapKey)
{
    protected override void Call(TpmSession session) =>
        Bench.Client.CreateWrapKey(TpmKeyHandle.Srk, session, Bench.WellKnown, Bench.WellKnown, TpmKeys.Signing(TpmKeyFlags.None));
}
