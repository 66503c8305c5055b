namespace Vtpm.Wire;

/// <summary><c>TPM_STORE_ASYMKEY</c>, Part 2 §10.6: the secret half of a key before it is encrypted; for RSA one prime.</summary>
public struct TpmStoreAsymKey : IWireStructure<TpmStoreAsymKey>
{
    public TpmPayloadType Payload;
    public TpmAuthData UsageAuth;
    public TpmAuthData MigrationAuth;
    public TpmDigest PubDataDigest;
    public ReadOnlyMemory<byte> PrivKey;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmStoreAsymKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Payload);
        TpmAuthData.Describe(ref wire, ref value.UsageAuth);
        TpmAuthData.Describe(ref wire, ref value.MigrationAuth);
        TpmDigest.Describe(ref wire, ref value.PubDataDigest);
        wire.Sized32(ref value.PrivKey);
    }
}
