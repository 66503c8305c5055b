using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.MonotonicCounters;

public struct CreateCounterRequest : IWireStructure<CreateCounterRequest>
{
    public TpmAuthData EncAuth;

    /// <summary>Four bytes, the first in the high byte.</summary>
    public uint Label;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateCounterRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmAuthData.Describe(ref wire, ref value.EncAuth);
        wire.UInt32(ref value.Label);
    }
}

public struct CreateCounterResponse : IWireStructure<CreateCounterResponse>
{
    public uint CountId;
    public TpmCounterValue CounterValue;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateCounterResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.CountId);
        wire.Structure(ref value.CounterValue);
    }
}

/// <summary><c>TPM_CreateCounter</c>, Part 3 §25.1: a new counter, above every value that any counter has had.</summary>
public sealed class CreateCounter()
    : TpmCommand<CreateCounterRequest, CreateCounterResponse>(TpmOrdinal.CreateCounter, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in CreateCounterRequest request, ref CreateCounterResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (tpm.DecryptAuth(request.EncAuth, AdipNonce.Even, out Secret auth).Failed(out error)) return error;
        CounterTable counters = tpm.Permanent.Counters;
        if (counters.Counters.Count >= tpm.Platform.Profile.Counters || counters.MaxValue == uint.MaxValue) return Resources;
        response.CountId = tpm.NewHandle(TpmResourceType.Counter, taken => counters.Counters.Find(taken) is not null);
        counters = counters.Create(response.CountId, request.Label, auth, out MonotonicCounter counter);
        tpm.Permanent = tpm.Permanent with { Counters = counters };
        response.CounterValue = counter.CounterValue;
        return Success;
    }
}
