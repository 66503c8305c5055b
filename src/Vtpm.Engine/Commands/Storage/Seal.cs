using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Storage;

public struct SealRequest : IWireStructure<SealRequest>
{
    public uint KeyHandle;
    public TpmAuthData EncAuth;
    public ReadOnlyMemory<byte> PcrInfo;
    public ReadOnlyMemory<byte> InData;

    public static void Describe<TCodec>(ref TCodec wire, ref SealRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        TpmAuthData.Describe(ref wire, ref value.EncAuth);
        wire.Sized32(ref value.PcrInfo);
        wire.Sized32(ref value.InData);
    }
}

public struct SealResponse : IWireStructure<SealResponse>
{
    public TpmStoredData SealedData;

    public static void Describe<TCodec>(ref TCodec wire, ref SealResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.SealedData);
}

/// <summary><c>TPM_Seal</c>, Part 3 §10.1: encrypts data so that only this TPM reveals it, in the configuration named.</summary>
public sealed class Seal()
    : TpmCommand<SealRequest, SealResponse>(
        TpmOrdinal.Seal, Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1, secretRequest: true)
{
    protected override TpmResult Execute(CommandContext tpm, in SealRequest request, ref SealResponse response)
    {
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (request.InData.IsEmpty) return BadParameter;
        if (CheckStorageKey(key).Failed(out error)) return error;
        bool isLong = HasLongTag(request.PcrInfo.Span);
        if (PcrBinding.Read(request.PcrInfo, isLong, out _) != Success) return BadIndex;
        var sealedData = new TpmStoredData { Ver = isLong ? TpmStoredData.Tag12(entityType: 0) : TpmStoredData.Version11 };
        if (!request.PcrInfo.IsEmpty) sealedData.SealInfo = isLong ? tpm.StampedLong(request.PcrInfo) : tpm.Stamped(request.PcrInfo);
        if (tpm.DecryptAuth(request.EncAuth, AdipNonce.Even, out Secret auth).Failed(out error)) return error;
        return Protect(tpm, key, auth, request.InData, sealedData, ref response);
    }

    /// <summary>Actions 3 and 4: a key that data may be sealed with, and never leaves this TPM.</summary>
    internal static TpmResult CheckStorageKey(LoadedKey key) => key.Usage == TpmKeyUsage.Storage && !key.IsMigratable ? Success : InvalidKeyUsage;

    /// <summary>Actions 14 to 20, which TPM_Sealx shares.</summary>
    internal static TpmResult Protect(
        CommandContext tpm, LoadedKey key, Secret auth, ReadOnlyMemory<byte> data, TpmStoredData sealedData, ref SealResponse response)
    {
        var secret = new TpmSealedData
        {
            Payload = TpmPayloadType.Seal,
            AuthData = new TpmAuthData(auth.Span),
            TpmProof = new TpmAuthData(tpm.PermanentData.TpmProof.Span),
            StoredDigest = sealedData.StoredDigest(),
            Data = data,
        };
        if (tpm.Encrypt(key, secret, out sealedData.EncData).Failed(out TpmResult error)) return error;
        response.SealedData = sealedData;
        return Success;
    }

    /// <summary>Action 5: the caller's PCR information says by its tag which structure it is; without a tag its first field is a small size.</summary>
    private static bool HasLongTag(ReadOnlySpan<byte> pcrInfo) =>
        pcrInfo.Length >= 2 && BinaryPrimitives.ReadUInt16BigEndian(pcrInfo) == (ushort)TpmStructureTag.PcrInfoLong;
}
