using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Storage;

public struct LoadKey2Request : IWireStructure<LoadKey2Request>
{
    public uint ParentHandle;
    public TpmKey InKey;

    public static void Describe<TCodec>(ref TCodec wire, ref LoadKey2Request value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.Structure(ref value.InKey);
    }
}

public struct LoadKey2Response : IWireStructure<LoadKey2Response>
{
    public uint InKeyHandle;

    public static void Describe<TCodec>(ref TCodec wire, ref LoadKey2Response value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.InKeyHandle);
}

/// <summary><c>TPM_LoadKey2</c>, Part 3 §10.5: unwraps a key into a slot.</summary>
public sealed class LoadKey2()
    : TpmCommand<LoadKey2Request, LoadKey2Response>(
        TpmOrdinal.LoadKey2, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1, outHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in LoadKey2Request request, ref LoadKey2Response response) =>
        Load(tpm, request.ParentHandle, request.InKey, out response.InKeyHandle);

    /// <summary>The actions, which TPM_LoadKey shares.</summary>
    internal static TpmResult Load(CommandContext tpm, uint parentHandle, in TpmKey inKey, out uint inKeyHandle)
    {
        inKeyHandle = 0;
        if (tpm.UseKey(parentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (parent.Usage != TpmKeyUsage.Storage) return InvalidKeyUsage;
        if (inKey.KeyUsage is TpmKeyUsage.AuthChange) return InvalidKeyUsage;
        if (KeyRules.Check(inKey).Failed(out error)) return error;
        if (tpm.UnwrapKey(parent, inKey, out LoadedKey key).Failed(out error)) return error;
        if (key.Usage == TpmKeyUsage.Identity && key.IsMigratable) return InvalidKeyUsage;
        if (!key.IsMigratable && !tpm.IsTpmProof(key.MigrationAuth.Span)) return InvalidKeyUsage;
        if (KeyRules.CheckFips(tpm.PermanentFlags, inKey).Failed(out error)) return error;
        return tpm.LoadKey(key, out inKeyHandle);
    }
}
