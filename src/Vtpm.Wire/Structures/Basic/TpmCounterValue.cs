namespace Vtpm.Wire;

/// <summary><c>TPM_COUNTER_VALUE</c>, Part 2 §5.13: a monotonic counter.</summary>
public struct TpmCounterValue : IWireStructure<TpmCounterValue>
{
    /// <summary>The four bytes of its label, the first in the high byte.</summary>
    public uint Label;
    public uint Counter;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCounterValue value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.CounterValue);
        wire.UInt32(ref value.Label);
        wire.UInt32(ref value.Counter);
    }
}
