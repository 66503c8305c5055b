namespace Vtpm.Wire;

/// <summary><c>TPM_MIGRATE_ASYMKEY</c>, Part 2 §10.8: the secret half of a key on its way to another parent.</summary>
public struct TpmMigrateAsymKey : IWireStructure<TpmMigrateAsymKey>
{
    public TpmPayloadType Payload;
    public TpmAuthData UsageAuth;
    public TpmDigest PubDataDigest;
    public ReadOnlyMemory<byte> PartPrivKey;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmMigrateAsymKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Payload);
        TpmAuthData.Describe(ref wire, ref value.UsageAuth);
        TpmDigest.Describe(ref wire, ref value.PubDataDigest);
        wire.Sized32(ref value.PartPrivKey);
    }
}
