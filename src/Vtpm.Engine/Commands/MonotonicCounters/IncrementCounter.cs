using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.MonotonicCounters;

/// <summary>The request of all commands about one counter.</summary>
public struct CounterRequest : IWireStructure<CounterRequest>
{
    public uint CountId;

    public static void Describe<TCodec>(ref TCodec wire, ref CounterRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.CountId);
}

public struct CounterResponse : IWireStructure<CounterResponse>
{
    public TpmCounterValue Count;

    public static void Describe<TCodec>(ref TCodec wire, ref CounterResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.Count);
}

/// <summary><c>TPM_IncrementCounter</c>, Part 3 §25.2: counts up. The first counter of a boot cycle is its only one.</summary>
public sealed class IncrementCounter()
    : TpmCommand<CounterRequest, CounterResponse>(TpmOrdinal.IncrementCounter, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in CounterRequest request, ref CounterResponse response)
    {
        bool mayBeChosen = tpm.StClearData.CountId == 0 || tpm.StClearData.CountId == request.CountId;
        CounterTable counters = tpm.Permanent.Counters;
        if (!mayBeChosen || !counters.Counters.TryFind(request.CountId, out MonotonicCounter? counter)) return BadCounter;
        if (tpm.Authorize(counter.Entity, counter.Auth).Failed(out TpmResult error)) return error;
        // A counter that has come to the end stays there: it must not begin again.
        if (counter.Value == uint.MaxValue) return BadCounter;
        tpm.StClearData = tpm.StClearData with { CountId = request.CountId };
        tpm.Permanent = tpm.Permanent with { Counters = counters.Increment(ref counter) };
        response.Count = counter.CounterValue;
        return Success;
    }
}
