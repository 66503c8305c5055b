using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct ConvertMigrationBlobRequest : IWireStructure<ConvertMigrationBlobRequest>
{
    public uint ParentHandle;
    public ReadOnlyMemory<byte> InData;
    public ReadOnlyMemory<byte> Random;

    public static void Describe<TCodec>(ref TCodec wire, ref ConvertMigrationBlobRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.Sized32(ref value.InData);
        wire.Sized32(ref value.Random);
    }
}

public struct ConvertMigrationBlobResponse : IWireStructure<ConvertMigrationBlobResponse>
{
    /// <summary>The encData of the TPM_KEY that is loaded then.</summary>
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref ConvertMigrationBlobResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.OutData);
}

/// <summary><c>TPM_ConvertMigrationBlob</c>, Part 3 §11.2: makes a wrapped key of what TPM_CreateMigrationBlob has made for this parent.</summary>
public sealed class ConvertMigrationBlob()
    : TpmCommand<ConvertMigrationBlobRequest, ConvertMigrationBlobResponse>(
        TpmOrdinal.ConvertMigrationBlob, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, audit: Audit.Default, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in ConvertMigrationBlobRequest request, ref ConvertMigrationBlobResponse response)
    {
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (parent.Usage != TpmKeyUsage.Storage) return InvalidKeyUsage;
        if (MigrationBlob.Open(tpm, parent, request.InData, request.Random, out TpmStoreAsymKey d2).Failed(out error)) return error;
        if (d2.Payload != TpmPayloadType.Migrate) return BadMigration;
        d2.Payload = TpmPayloadType.Asym;
        return tpm.Encrypt(parent, d2, out response.OutData);
    }
}
