using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A <see cref="LoadedKey"/> in the state file.</summary>
internal struct KeyImage : IWireStructure<KeyImage>
{
    public uint Handle;
    public TpmKey Key;
    public Secret? UsageAuth;
    public Secret? MigrationAuth;
    public TpmPayloadType Payload;
    public Secret? Prime;
    public bool ParentPcrStatus;
    public bool OwnerEvict;

    public static void Describe<TCodec>(ref TCodec wire, ref KeyImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Handle);
        wire.Structure(ref value.Key);
        wire.Secret(ref value.UsageAuth);
        wire.Secret(ref value.MigrationAuth);
        wire.Enum(ref value.Payload);
        wire.Secret(ref value.Prime);
        wire.Bool(ref value.ParentPcrStatus);
        wire.Bool(ref value.OwnerEvict);
    }

    public static KeyImage Of(LoadedKey key) => new()
    {
        Handle = key.Handle,
        Key = key.Key,
        UsageAuth = key.UsageAuth,
        MigrationAuth = key.MigrationAuth,
        Payload = key.Payload,
        Prime = key.Prime,
        ParentPcrStatus = key.ParentPcrStatus,
        OwnerEvict = key.OwnerEvict,
    };

    /// <summary>The key, with its RSA halves joined again.</summary>
    /// <exception cref="StateFormatException">The halves do not fit: the file is damaged in a way that its checksum did not show.</exception>
    public readonly LoadedKey ToKey(ITpmRsa rsa)
    {
        if (UsageAuth is null || MigrationAuth is null || Prime is null
            || PcrBinding.Read(Key.PcrInfo, Key.IsKey12, out PcrBinding binding) != TpmResult.Success
            || rsa.Import(Key.PubKey.Key.Span, KeyParameters.ExponentOf(Key.AlgorithmParms), Prime.Span) is not { } key)
            throw new StateFormatException($"the key 0x{Handle:x8} in the TPM's state is not usable");
        return new LoadedKey
        {
            Handle = Handle,
            Key = Key,
            UsageAuth = UsageAuth,
            MigrationAuth = MigrationAuth,
            Payload = Payload,
            Prime = Prime,
            Rsa = key,
            PubDataDigest = Key.PubDataDigest(),
            Binding = binding,
            ParentPcrStatus = ParentPcrStatus,
            OwnerEvict = OwnerEvict,
        };
    }
}
