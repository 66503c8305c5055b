using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Storage;

public struct GetPubKeyRequest : IWireStructure<GetPubKeyRequest>
{
    public uint KeyHandle;

    public static void Describe<TCodec>(ref TCodec wire, ref GetPubKeyRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.KeyHandle);
}

public struct GetPubKeyResponse : IWireStructure<GetPubKeyResponse>
{
    public TpmPubKey PubKey;

    public static void Describe<TCodec>(ref TCodec wire, ref GetPubKeyResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.PubKey);
}

/// <summary><c>TPM_GetPubKey</c>, Part 3 §10.6: the public part of a loaded key, for whoever owns it.</summary>
public sealed class GetPubKey()
    : TpmCommand<GetPubKeyRequest, GetPubKeyResponse>(
        TpmOrdinal.GetPubKey, Sessions.None | Sessions.One, Availability.Owned, Duration.Short, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in GetPubKeyRequest request, ref GetPubKeyResponse response)
    {
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key, KeyUse.ReadPublic).Failed(out TpmResult error)) return error;
        if (request.KeyHandle == TpmKeyHandle.Srk && !tpm.PermanentFlags.ReadSrkPub) return InvalidKeyHandle;
        response.PubKey = key.Key.ToPubKey();
        return Success;
    }
}
