namespace Vtpm.Wire;

/// <summary><c>TPM_TRANSPORT_AUTH</c>, Part 2 §13.5: the secret of a transport session, as it is encrypted to the TPM.</summary>
public struct TpmTransportAuth : IWireStructure<TpmTransportAuth>
{
    public TpmAuthData AuthData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmTransportAuth value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.TransportAuth);
        wire.Structure(ref value.AuthData);
    }
}
