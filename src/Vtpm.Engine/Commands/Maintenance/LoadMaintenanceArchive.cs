using Vtpm.Engine.Commands.Migration;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Maintenance;

public struct LoadMaintenanceArchiveRequest : IWireStructure<LoadMaintenanceArchiveRequest>
{
    /// <summary>A TPM_KEY: the SRK of the other TPM, whose encData the manufacturer has encrypted with the SRK of this one.</summary>
    public ReadOnlyMemory<byte> Archive;

    /// <summary>The random bytes that TPM_CreateMaintenanceArchive has returned; none when the owner's secret hides the archive.</summary>
    public ReadOnlyMemory<byte> Random;

    /// <summary>The manufacturer's signature of <see cref="Archive"/>: RSASSA-PKCS1-v1_5 with SHA-1, by the key of TPM_LoadManuMaintPub.</summary>
    public ReadOnlyMemory<byte> Signature;

    public static void Describe<TCodec>(ref TCodec wire, ref LoadMaintenanceArchiveRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Sized32(ref value.Archive);
        wire.Sized32(ref value.Random);
        wire.Sized32(ref value.Signature);
    }
}

/// <summary>
/// <c>TPM_LoadMaintenanceArchive</c>, Part 3 §12.2: this TPM becomes what another one was. The archive alone is specified; what follows it is ours:
/// the random bytes, and the signature that action 2 asks for. Without it an owner could make an SRK and a tpmProof of his own, and have a TPM that
/// vouches for keys that he knows.
/// </summary>
public sealed class LoadMaintenanceArchive()
    : TpmCommand<LoadMaintenanceArchiveRequest, NoParameters>(
        TpmOrdinal.LoadMaintenanceArchive, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in LoadMaintenanceArchiveRequest request, ref NoParameters response)
    {
        // Part 1 §15: TPM_KillMaintenanceFeature is against archives from elsewhere as well.
        if (!tpm.PermanentFlags.AllowMaintenance) return DisabledCmd;
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (CheckSender(tpm, request).Failed(out error)) return error;
        if (WireFormat.Read(request.Archive.Span, out TpmKey key).Failed(out error)) return error;
        if (Decode(tpm, key, request.Random, out TpmStoreAsymKey m2).Failed(out error)) return error;
        if (TakeOwnership.CheckSrk(tpm, key).Failed(out error)) return error;
        if (tpm.JoinKey(key, m2, out ITpmRsaPrivateKey rsa).Failed(out error)) return error;
        if (PcrBinding.Read(key.PcrInfo, key.IsKey12, out PcrBinding binding).Failed(out error)) return error;
        // Action 5, with the rule of TPM_OwnerClear that the owner may have made.
        if (tpm.PermanentFlags.DisableOwnerClear) return ClearDisabled;
        OwnerClear.Clear(tpm);
        Become(tpm, key, m2, rsa, binding);
        tpm.PermanentFlags = tpm.PermanentFlags with { MaintenanceDone = true };
        return Success;
    }

    /// <summary>Action 2.</summary>
    private static TpmResult CheckSender(CommandContext tpm, in LoadMaintenanceArchiveRequest request)
    {
        if (LoadManuMaintPub.Find(tpm, out TpmPubKey manuMaintPub).Failed(out TpmResult error)) return error;
        TpmDigest digest = TpmDigest.Of(request.Archive.Span);
        bool isSigned = tpm.VerifyDigest(manuMaintPub.PubKey.Key.Span, KeyParameters.DefaultExponent, digest, request.Signature.Span);
        return isSigned ? Success : BadSignature;
    }

    /// <summary>Actions 3 and 4: what TPM_CreateMaintenanceArchive has encoded, and only this TPM can decrypt.</summary>
    private static TpmResult Decode(CommandContext tpm, in TpmKey key, ReadOnlyMemory<byte> random, out TpmStoreAsymKey m2)
    {
        m2 = default;
        if (tpm.DecryptBytes(tpm.PermanentData.Srk!, key.EncData, out ReadOnlyMemory<byte> x1).Failed(out TpmResult error)) return error;
        byte[] o1 = tpm.CopyToScratch(x1.Span);
        if (random.IsEmpty) SymmetricCipher.Mgf1Xor(tpm.PermanentData.OwnerAuth!.Span, o1);
        else if (random.Length == o1.Length) MigrationBlob.Xor(o1, random.Span);
        else return BadParameter;
        if (!MigrationBlob.Decode(tpm, o1, out m2)) return DecryptError;
        return m2.Payload == TpmPayloadType.Maint ? Success : BadMigration;
    }

    /// <summary>Action 6: the other owner's secret was pHash, and is the SRK's from now on, too.</summary>
    private static void Become(CommandContext tpm, TpmKey key, in TpmStoreAsymKey m2, ITpmRsaPrivateKey rsa, PcrBinding binding)
    {
        var tpmProof = new Secret(m2.UsageAuth.ReadOnlySpan);
        key.EncData = default;
        var srk = new LoadedKey
        {
            Handle = TpmKeyHandle.Srk,
            Key = key,
            UsageAuth = new Secret(m2.MigrationAuth.ReadOnlySpan),
            MigrationAuth = tpmProof,
            Payload = TpmPayloadType.Asym,
            Prime = new Secret(m2.PrivKey.Span),
            Rsa = rsa,
            PubDataDigest = m2.PubDataDigest,
            Binding = binding,
        };
        tpm.PermanentData = tpm.PermanentData with { Srk = srk, TpmProof = tpmProof, OwnerAuth = new Secret(m2.MigrationAuth.ReadOnlySpan) };
    }
}
