namespace Vtpm.Wire;

/// <summary><c>TPM_TRANSPORT_LOG_OUT</c>, Part 2 §13.4: what the log of a transport session takes in after a command ran.</summary>
public struct TpmTransportLogOut : IWireStructure<TpmTransportLogOut>
{
    public TpmCurrentTicks CurrentTicks;
    public TpmDigest Parameters;

    /// <summary>TPM_MODIFIER_INDICATOR: the locality that called.</summary>
    public uint Locality;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmTransportLogOut value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.TransportLogOut);
        wire.Structure(ref value.CurrentTicks);
        wire.Structure(ref value.Parameters);
        wire.UInt32(ref value.Locality);
    }
}
