using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct CertifyKeyRequest : IWireStructure<CertifyKeyRequest>
{
    public uint CertHandle;
    public uint KeyHandle;
    public TpmNonce AntiReplay;

    public static void Describe<TCodec>(ref TCodec wire, ref CertifyKeyRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.CertHandle);
        wire.UInt32(ref value.KeyHandle);
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
    }
}

public struct CertifyKeyResponse : IWireStructure<CertifyKeyResponse>
{
    public CertifyInfoEither CertifyInfo;

    /// <summary>The signature of <see cref="CertifyInfo"/>.</summary>
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref CertifyKeyResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.CertifyInfo);
        wire.Sized32(ref value.OutData);
    }
}

/// <summary><c>TPM_CertifyKey</c>, Part 3 §13.8: one key vouches for the public half of another.</summary>
public sealed class CertifyKey()
    : TpmCommand<CertifyKeyRequest, CertifyKeyResponse>(
        TpmOrdinal.CertifyKey, Sessions.None | Sessions.One | Sessions.Two, Availability.Owned, Duration.Medium, inHandles: 2)
{
    /// <summary>PCRs that TPM 1.1 did not have, and a TPM_CERTIFY_INFO cannot name.</summary>
    private const int FirstPcrOf12 = 16;

    protected override TpmResult Execute(CommandContext tpm, in CertifyKeyRequest request, ref CertifyKeyResponse response)
    {
        if (tpm.UseKey(request.CertHandle, out LoadedKey cert).Failed(out TpmResult error)) return error;
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key, KeyUse.ReadPublic).Failed(out error)) return error;
        if (key.Payload != TpmPayloadType.Asym) return InvalidKeyUsage;
        if (cert.Usage == TpmKeyUsage.Identity && key.IsMigratable) return MigrateFail;
        if (CommandContext.CheckSigner(cert).Failed(out error)) return error;
        if (!IsCertifiable(key)) return InvalidKeyUsage;
        // Action 7.
        bool is12 = PcrBank.SelectsFrom(FirstPcrOf12, key.Binding.ReleaseSelection) || key.Binding.LocalityAtRelease != TpmLocalitySelection.All;
        response.CertifyInfo = is12
            ? new CertifyInfoEither(Info2(key, request.AntiReplay))
            : new CertifyInfoEither(Info(key, request.AntiReplay));
        return CommandContext.SignStructure(cert, response.CertifyInfo, out response.OutData);
    }

    /// <summary>Action 6, of TPM_CertifyKey2 action 5: everything but the keys of a migration or of a change of authorization.</summary>
    internal static bool IsCertifiable(LoadedKey key) =>
        key.Usage is TpmKeyUsage.Signing or TpmKeyUsage.Storage or TpmKeyUsage.Identity or TpmKeyUsage.Bind or TpmKeyUsage.Legacy;

    /// <summary>
    /// TPM_CERTIFY_INFO, actions 9b and 10. The selection stays as long as it is in the key, for digestAtRelease is over it as it is: pcrInfo has the
    /// 44 bytes of action 9b iv for the two bytes that every key of version 1.1 has, and one more for three.
    /// </summary>
    internal static TpmCertifyInfo Info(LoadedKey key, in TpmNonce antiReplay) => new()
    {
        KeyUsage = key.Usage,
        KeyFlags = key.Key.KeyFlags,
        AuthDataUsage = key.Key.AuthDataUsage,
        AlgorithmParms = key.Key.AlgorithmParms,
        PubKeyDigest = PubKeyDigest(key),
        Data = antiReplay,
        ParentPcrStatus = key.ParentPcrStatus,
        PcrInfo = key.Key.PcrInfo.IsEmpty
            ? default
            : WireFormat.ToBytes(new TpmPcrInfo { PcrSelection = key.Binding.ReleaseSelection, DigestAtRelease = key.Binding.DigestAtRelease }),
    };

    /// <summary>TPM_CERTIFY_INFO2, action 9c, without a migration authority; its PCR information is of the short form (Part 2 §11.2).</summary>
    internal static TpmCertifyInfo2 Info2(LoadedKey key, in TpmNonce antiReplay) => new()
    {
        PayloadType = key.Payload,
        KeyUsage = key.Usage,
        KeyFlags = key.Key.KeyFlags,
        AuthDataUsage = key.Key.AuthDataUsage,
        AlgorithmParms = key.Key.AlgorithmParms,
        PubKeyDigest = PubKeyDigest(key),
        Data = antiReplay,
        ParentPcrStatus = key.ParentPcrStatus,
        PcrInfo = key.Key.PcrInfo.IsEmpty
            ? default
            : WireFormat.ToBytes(new TpmPcrInfoShort
            {
                PcrSelection = key.Binding.ReleaseSelection,
                LocalityAtRelease = key.Binding.LocalityAtRelease,
                DigestAtRelease = key.Binding.DigestAtRelease,
            }),
    };

    /// <summary>Action 11: of the modulus alone.</summary>
    private static TpmDigest PubKeyDigest(LoadedKey key) => TpmDigest.Of(key.Key.PubKey.Key.Span);
}
