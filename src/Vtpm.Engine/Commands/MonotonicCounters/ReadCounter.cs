using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.MonotonicCounters;

/// <summary><c>TPM_ReadCounter</c>, Part 3 §25.3: any counter, for anybody.</summary>
public sealed class ReadCounter()
    : TpmCommand<CounterRequest, CounterResponse>(TpmOrdinal.ReadCounter, Sessions.None, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in CounterRequest request, ref CounterResponse response)
    {
        if (!tpm.Permanent.Counters.Counters.TryFind(request.CountId, out MonotonicCounter? counter)) return BadCounter;
        response.Count = counter.CounterValue;
        return Success;
    }
}
