using Vtpm.Engine.Commands.MonotonicCounters;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Monotonic counters.</content>
public sealed partial class TestTpm
{
    /// <summary>The secret of the counters that tests create.</summary>
    public static byte[] CounterAuth { get; } = [.. Enumerable.Repeat((byte)0xC0, 20)];

    /// <summary>TPM_CreateCounter by the owner.</summary>
    public TpmResult TryCreateCounter(out CreateCounterResponse response, uint label = 0x6C61626C)
    {
        TestAuth osap = Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, OwnerAuth);
        return TrySend(new CreateCounter(), new CreateCounterRequest { EncAuth = EncryptAuth(osap, CounterAuth), Label = label }, out response, osap);
    }

    /// <inheritdoc cref="TryCreateCounter"/>
    public CreateCounterResponse CreateCounter(uint label = 0x6C61626C)
    {
        TpmResult result = TryCreateCounter(out CreateCounterResponse response, label);
        return result == TpmResult.Success ? response : throw new TpmErrorException(TpmOrdinal.CreateCounter, result);
    }

    /// <summary>TPM_IncrementCounter; the count it answers, when it does.</summary>
    public TpmResult IncrementCounter(uint countId, out uint count)
    {
        TpmResult result = TrySend(new IncrementCounter(), new CounterRequest { CountId = countId }, out CounterResponse response, Oiap(CounterAuth));
        count = response.Count.Counter;
        return result;
    }

    /// <summary>TPM_ReadCounter; an error is an exception.</summary>
    public TpmCounterValue ReadCounter(uint countId) => Send(new ReadCounter(), new CounterRequest { CountId = countId }).Count;
}
