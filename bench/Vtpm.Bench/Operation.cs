using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>
/// Something a TPM does, in batches: what a batch needs is prepared before and put away after it, so that the calls in between are these commands and
/// no others, and the server's CPU time over them is theirs.
/// </summary>
internal abstract class Operation(Workbench bench)
{
    protected Workbench Bench { get; } = bench;

    /// <summary>The commands whose round trip counts; of several, the sum.</summary>
    public abstract TpmOrdinal[] Ordinals { get; }

    public virtual void Prepare(int calls)
    {
    }

    public abstract void Call(int call);

    public virtual void PutAway()
    {
    }
}

/// <summary>A request that is the same every time.</summary>
internal sealed class RawOperation(Workbench bench, TpmOrdinal ordinal, byte[] body) : Operation(bench)
{
    private readonly byte[] _request = Workbench.Command(ordinal, body);

    public override TpmOrdinal[] Ordinals { get; } = [ordinal];

    public override void Call(int call) => Bench.Send(_request);
}

/// <summary>TPM_OIAP and TPM_FlushSpecific of the session.</summary>
internal sealed class SessionOperation(Workbench bench) : Operation(bench)
{
    private readonly byte[] _oiap = Workbench.Command(TpmOrdinal.Oiap, []);
    private readonly byte[] _flush = Workbench.Command(TpmOrdinal.FlushSpecific, [0, 0, 0, 0, 0, 0, 0, (byte)TpmResourceType.Auth]);

    public override TpmOrdinal[] Ordinals { get; } = [TpmOrdinal.Oiap, TpmOrdinal.FlushSpecific];

    public override void Call(int call)
    {
        Bench.Send(_oiap).Slice(TpmHeader.Size, sizeof(uint)).CopyTo(_flush.AsSpan(TpmHeader.Size));
        Bench.Send(_flush);
    }
}
