using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct MigrateKeyRequest : IWireStructure<MigrateKeyRequest>
{
    public uint MaKeyHandle;
    public TpmPubKey PubKey;
    public ReadOnlyMemory<byte> InData;

    public static void Describe<TCodec>(ref TCodec wire, ref MigrateKeyRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.MaKeyHandle);
        wire.Structure(ref value.PubKey);
        wire.Sized32(ref value.InData);
    }
}

public struct MigrateKeyResponse : IWireStructure<MigrateKeyResponse>
{
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref MigrateKeyResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.OutData);
}

/// <summary>
/// <c>TPM_MigrateKey</c>, Part 3 §11.4: the part of a migration authority, which encrypts a blob that was made for it for the next one. It does not
/// have the random bytes, and so knows nothing of what is inside.
/// </summary>
public sealed class MigrateKey()
    : TpmCommand<MigrateKeyRequest, MigrateKeyResponse>(
        TpmOrdinal.MigrateKey, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in MigrateKeyRequest request, ref MigrateKeyResponse response)
    {
        if (tpm.UseKey(request.MaKeyHandle, out LoadedKey maKey).Failed(out TpmResult error)) return error;
        // Action 2: a key of this usage is loaded with no other scheme than OAEP.
        if (maKey.Usage != TpmKeyUsage.Migrate) return InvalidKeyUsage;
        // Action 3: an authority's key has 2048 bits, and what was hidden behind it must not go behind fewer.
        if (MigrationDestination.CheckStrength(request.PubKey).Failed(out error)) return error;
        if (request.PubKey.AlgorithmParms.EncScheme != TpmEncScheme.RsaesOaepSha1Mgf1) return InappropriateEnc;
        if (tpm.DecryptBytes(maKey, request.InData, out ReadOnlyMemory<byte> plain).Failed(out error)) return error;
        return MigrationDestination.Encrypt(tpm, request.PubKey, plain.Span, out response.OutData);
    }
}
