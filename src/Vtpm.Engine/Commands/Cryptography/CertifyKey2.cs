using System.Security.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct CertifyKey2Request : IWireStructure<CertifyKey2Request>
{
    public uint KeyHandle;
    public uint CertHandle;

    /// <summary>The digest of a TPM_MSA_COMPOSITE, for a certified migration key.</summary>
    public TpmDigest MigrationPubDigest;
    public TpmNonce AntiReplay;

    public static void Describe<TCodec>(ref TCodec wire, ref CertifyKey2Request value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        wire.UInt32(ref value.CertHandle);
        TpmDigest.Describe(ref wire, ref value.MigrationPubDigest);
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
    }
}

public struct CertifyKey2Response : IWireStructure<CertifyKey2Response>
{
    public TpmCertifyInfo2 CertifyInfo;

    /// <summary>The signature of <see cref="CertifyInfo"/>.</summary>
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref CertifyKey2Response value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.CertifyInfo);
        wire.Sized32(ref value.OutData);
    }
}

/// <summary><c>TPM_CertifyKey2</c>, Part 3 §13.9: TPM_CertifyKey for certified migration keys too, with the handles the other way round.</summary>
public sealed class CertifyKey2()
    : TpmCommand<CertifyKey2Request, CertifyKey2Response>(
        TpmOrdinal.CertifyKey2, Sessions.None | Sessions.One | Sessions.Two, Availability.Owned, Duration.Medium, inHandles: 2)
{
    protected override TpmResult Execute(CommandContext tpm, in CertifyKey2Request request, ref CertifyKey2Response response)
    {
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key, KeyUse.ReadPublic).Failed(out TpmResult error)) return error;
        if (tpm.UseKey(request.CertHandle, out LoadedKey cert).Failed(out error)) return SecondFailure(tpm, error);
        if (cert.Usage == TpmKeyUsage.Identity && key.IsMigratable && !IsCmk(key)) return MigrateFail;
        if (CommandContext.CheckSigner(cert).Failed(out error)) return error;
        if (!CertifyKey.IsCertifiable(key)) return InvalidKeyUsage;
        response.CertifyInfo = CertifyKey.Info2(key, request.AntiReplay);
        if (HasMigrationPayload(key))
        {
            if (!IsMigrationAuthority(tpm, key, request.MigrationPubDigest)) return MASource;
            response.CertifyInfo.MigrationAuthority = MigrationAuthority(request.MigrationPubDigest, key.Payload);
        }

        return CommandContext.SignStructure(cert, response.CertifyInfo, out response.OutData);
    }

    /// <summary>Action 2b ii: the certifying key is the second to be authorized, also when it has the only session.</summary>
    private static TpmResult SecondFailure(CommandContext tpm, TpmResult error) => error == AuthFail && tpm.Auths.Count == 1 ? Auth2Fail : error;

    private static bool HasMigrationPayload(LoadedKey key) => key.Payload is TpmPayloadType.MigrateRestricted or TpmPayloadType.MigrateExternal;

    private static bool IsCmk(LoadedKey key) => key.Key.KeyFlags.HasFlag(TpmKeyFlags.MigrateAuthority) && HasMigrationPayload(key);

    /// <summary>Action 11b: only this TPM can have made the key's migrationAuth, and only for these authorities.</summary>
    private static bool IsMigrationAuthority(CommandContext tpm, LoadedKey key, in TpmDigest msaDigest)
    {
        TpmDigest m2 = CmkTicket.MigrationAuth(tpm, msaDigest, WireFormat.Digest(key.Key.ToPubKey()));
        return m2.FixedTimeEquals(new TpmDigest(key.MigrationAuth.Span));
    }

    /// <summary>Action 11c.</summary>
    private static byte[] MigrationAuthority(in TpmDigest msaDigest, TpmPayloadType payload)
    {
        Span<byte> input = stackalloc byte[TpmDigest.Size + 1];
        msaDigest.ReadOnlySpan.CopyTo(input);
        input[^1] = (byte)payload;
        return SHA1.HashData(input);
    }
}
