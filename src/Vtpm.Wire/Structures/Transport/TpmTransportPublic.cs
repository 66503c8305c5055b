namespace Vtpm.Wire;

/// <summary><c>TPM_TRANSPORT_PUBLIC</c>, Part 2 §13.1: the public side of a transport session.</summary>
public struct TpmTransportPublic : IWireStructure<TpmTransportPublic>
{
    public TpmTransportAttributes TransAttributes;
    public TpmAlgorithmId AlgId;
    public TpmEncScheme EncScheme;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmTransportPublic value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.TransportPublic);
        wire.Enum(ref value.TransAttributes);
        wire.Enum(ref value.AlgId);
        wire.Enum(ref value.EncScheme);
    }
}
