namespace Vtpm.Wire;

/// <summary><c>TPM_TRANSPORT_INTERNAL</c>, Part 2 §13.2: a transport session as the TPM keeps it.</summary>
public struct TpmTransportInternal : IWireStructure<TpmTransportInternal>
{
    public TpmAuthData AuthData;
    public TpmTransportPublic TransPublic;
    public uint TransHandle;
    public TpmNonce TransNonceEven;
    public TpmDigest TransDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmTransportInternal value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.TransportInternal);
        wire.Structure(ref value.AuthData);
        wire.Structure(ref value.TransPublic);
        wire.UInt32(ref value.TransHandle);
        wire.Structure(ref value.TransNonceEven);
        wire.Structure(ref value.TransDigest);
    }
}
