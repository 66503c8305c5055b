namespace Vtpm.Wire;

/// <summary><c>TPM_TRANSPORT_LOG_IN</c>, Part 2 §13.3: what the log of a transport session takes in before a command runs.</summary>
public struct TpmTransportLogIn : IWireStructure<TpmTransportLogIn>
{
    public TpmDigest Parameters;
    public TpmDigest PubKeyHash;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmTransportLogIn value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.TransportLogIn);
        wire.Structure(ref value.Parameters);
        wire.Structure(ref value.PubKeyHash);
    }
}
