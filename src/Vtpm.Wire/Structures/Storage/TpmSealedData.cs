namespace Vtpm.Wire;

/// <summary><c>TPM_SEALED_DATA</c>, Part 2 §9.3: what a sealed blob holds once it is decrypted.</summary>
public struct TpmSealedData : IWireStructure<TpmSealedData>
{
    public TpmPayloadType Payload;
    public TpmAuthData AuthData;
    public TpmAuthData TpmProof;
    public TpmDigest StoredDigest;
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmSealedData value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Payload);
        TpmAuthData.Describe(ref wire, ref value.AuthData);
        TpmAuthData.Describe(ref wire, ref value.TpmProof);
        TpmDigest.Describe(ref wire, ref value.StoredDigest);
        wire.Sized32(ref value.Data);
    }
}
