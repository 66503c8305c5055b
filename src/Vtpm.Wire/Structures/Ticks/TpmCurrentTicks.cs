namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_CURRENT_TICKS</c>, Part 2 §15.1: ticks since a tick session began, their length in microseconds, and the nonce that names the session.
/// </summary>
public struct TpmCurrentTicks : IWireStructure<TpmCurrentTicks>
{
    public ulong CurrentTicks;
    public ushort TickRate;
    public TpmNonce TickNonce;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCurrentTicks value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.CurrentTicks);
        wire.UInt64(ref value.CurrentTicks);
        wire.UInt16(ref value.TickRate);
        wire.Structure(ref value.TickNonce);
    }
}
