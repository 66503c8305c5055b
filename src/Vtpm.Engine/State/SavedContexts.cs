using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>internalData of a key's TPM_CONTEXT_SENSITIVE (Part 2 §18.2): all that is needed to have the key in a slot again.</summary>
internal struct SavedKey : IWireStructure<SavedKey>
{
    /// <summary>Saved by TPM_SaveKeyContext: valid until TPM_Reset or the power's end (Part 3 §27.2.1, §27.5).</summary>
    public bool IsOfPowerSession;
    public TpmKey Key;
    public ReadOnlyMemory<byte> UsageAuth;
    public ReadOnlyMemory<byte> MigrationAuth;
    public TpmPayloadType Payload;
    public ReadOnlyMemory<byte> Prime;
    public bool ParentPcrStatus;

    public static void Describe<TCodec>(ref TCodec wire, ref SavedKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Bool(ref value.IsOfPowerSession);
        wire.Structure(ref value.Key);
        wire.Sized16(ref value.UsageAuth);
        wire.Sized16(ref value.MigrationAuth);
        wire.Enum(ref value.Payload);
        wire.Sized16(ref value.Prime);
        wire.Bool(ref value.ParentPcrStatus);
    }
}

/// <summary>internalData of an authorization session's TPM_CONTEXT_SENSITIVE.</summary>
internal struct SavedSession : IWireStructure<SavedSession>
{
    public TpmProtocolId Protocol;
    public TpmNonce NonceEven;
    public TpmAdipEncScheme AdipScheme;
    public TpmEntityType EntityType;
    public TpmDigest EntityDigest;

    /// <summary>SHA-1 of the entity's secret: a session does not come back to an entity that has another one meanwhile.</summary>
    public TpmDigest EntitySecret;
    public ReadOnlyMemory<byte> SharedSecret;
    public bool IsDelegated;
    public TpmDelegatePublic Delegation;

    public readonly AuthEntity Entity => new(EntityType, EntityDigest);

    public static void Describe<TCodec>(ref TCodec wire, ref SavedSession value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Protocol);
        TpmNonce.Describe(ref wire, ref value.NonceEven);
        wire.Enum(ref value.AdipScheme);
        wire.Enum(ref value.EntityType);
        TpmDigest.Describe(ref wire, ref value.EntityDigest);
        TpmDigest.Describe(ref wire, ref value.EntitySecret);
        wire.Sized16(ref value.SharedSecret);
        wire.Bool(ref value.IsDelegated);
        if (value.IsDelegated) wire.Structure(ref value.Delegation);
    }
}
