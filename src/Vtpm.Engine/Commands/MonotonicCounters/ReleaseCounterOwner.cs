using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.MonotonicCounters;

/// <summary><c>TPM_ReleaseCounterOwner</c>, Part 3 §25.5: the owner takes a counter away.</summary>
public sealed class ReleaseCounterOwner()
    : TpmCommand<CounterRequest, NoParameters>(TpmOrdinal.ReleaseCounterOwner, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in CounterRequest request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (!tpm.Permanent.Counters.Counters.TryFind(request.CountId, out MonotonicCounter? counter)) return BadCounter;
        ReleaseCounter.Release(tpm, counter);
        return Success;
    }
}
