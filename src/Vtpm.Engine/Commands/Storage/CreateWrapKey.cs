using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Storage;

public struct CreateWrapKeyRequest : IWireStructure<CreateWrapKeyRequest>
{
    public uint ParentHandle;
    public TpmAuthData DataUsageAuth;
    public TpmAuthData DataMigrationAuth;
    public TpmKey KeyInfo;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateWrapKeyRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        TpmAuthData.Describe(ref wire, ref value.DataUsageAuth);
        TpmAuthData.Describe(ref wire, ref value.DataMigrationAuth);
        wire.Structure(ref value.KeyInfo);
    }
}

public struct CreateWrapKeyResponse : IWireStructure<CreateWrapKeyResponse>
{
    public TpmKey WrappedKey;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateWrapKeyResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.WrappedKey);
}

/// <summary><c>TPM_CreateWrapKey</c>, Part 3 §10.4: generates a key and wraps it with its parent.</summary>
public sealed class CreateWrapKey()
    : TpmCommand<CreateWrapKeyRequest, CreateWrapKeyResponse>(
        TpmOrdinal.CreateWrapKey, Sessions.One, Availability.Owned, Duration.Long, audit: Audit.Default, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in CreateWrapKeyRequest request, ref CreateWrapKeyResponse response)
    {
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        // Actions 2, 10 and 11: only a session with a shared secret can have carried the new secrets.
        if (tpm.DecryptAuth(request.DataUsageAuth, AdipNonce.Even, out Secret usageAuth).Failed(out error)) return error;
        if (tpm.DecryptAuth(request.DataMigrationAuth, AdipNonce.Odd, out Secret migrationAuth).Failed(out error)) return error;
        TpmKey key = request.KeyInfo;
        if (Check(tpm, parent, key).Failed(out error)) return error;
        if (tpm.StampPcrInfo(ref key).Failed(out error)) return error;
        TpmRsaKeyPair pair = tpm.GenerateKey(ref key);
        if (!key.KeyFlags.HasFlag(TpmKeyFlags.Migratable)) migrationAuth = tpm.PermanentData.TpmProof;
        if (tpm.WrapKey(parent, ref key, pair.Prime, usageAuth, migrationAuth).Failed(out error)) return error;
        response.WrappedKey = key;
        return Success;
    }

    /// <summary>Actions 3 to 9.</summary>
    private static TpmResult Check(CommandContext tpm, LoadedKey parent, in TpmKey key)
    {
        if (parent.Usage != TpmKeyUsage.Storage) return InvalidKeyUsage;
        if (parent.IsMigratable && !key.KeyFlags.HasFlag(TpmKeyFlags.Migratable)) return InvalidKeyUsage;
        if (key.KeyFlags.HasFlag(TpmKeyFlags.MigrateAuthority)) return InvalidKeyUsage;
        return CheckKeyInfo(tpm, key);
    }

    /// <summary>What a new key may be, actions 3, 6a, 7 and 8, which TPM_CMK_CreateKey shares.</summary>
    internal static TpmResult CheckKeyInfo(CommandContext tpm, in TpmKey key)
    {
        if (key.KeyUsage is TpmKeyUsage.Identity or TpmKeyUsage.AuthChange) return InvalidKeyUsage;
        if (KeyRules.CheckFips(tpm.PermanentFlags, key).Failed(out TpmResult error)) return error;
        if (KeyRules.Check(key).Failed(out error)) return error;
        // Action 3: keys with another exponent can be loaded, but are not made here.
        return KeyParameters.ExponentOf(key.AlgorithmParms) == KeyParameters.DefaultExponent ? Success : BadKeyProperty;
    }
}
