using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.MonotonicCounters;

/// <summary><c>TPM_ReleaseCounter</c>, Part 3 §25.4: who may increment a counter gives it up.</summary>
public sealed class ReleaseCounter()
    : TpmCommand<CounterRequest, NoParameters>(TpmOrdinal.ReleaseCounter, Sessions.One, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in CounterRequest request, ref NoParameters response)
    {
        if (!tpm.Permanent.Counters.Counters.TryFind(request.CountId, out MonotonicCounter? counter)) return BadCounter;
        if (tpm.Authorize(counter.Entity, counter.Auth).Failed(out TpmResult error)) return error;
        Release(tpm, counter);
        return Success;
    }

    /// <summary>Actions 2 to 4, which TPM_ReleaseCounterOwner shares.</summary>
    internal static void Release(CommandContext tpm, MonotonicCounter counter)
    {
        tpm.Permanent = tpm.Permanent with { Counters = tpm.Permanent.Counters.Release(counter.Handle) };
        tpm.EndSessionsOf(counter.Entity);
        // No other counter may take its place before the next TPM_Startup(ST_CLEAR).
        if (tpm.StClearData.CountId == counter.Handle) tpm.StClearData = tpm.StClearData with { CountId = MonotonicCounter.Illegal };
    }
}
