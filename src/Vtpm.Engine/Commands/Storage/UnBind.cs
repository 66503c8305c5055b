using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Storage;

public struct UnBindRequest : IWireStructure<UnBindRequest>
{
    public uint KeyHandle;
    public ReadOnlyMemory<byte> InData;

    public static void Describe<TCodec>(ref TCodec wire, ref UnBindRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        wire.Sized32(ref value.InData);
    }
}

public struct UnBindResponse : IWireStructure<UnBindResponse>
{
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref UnBindResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.OutData);
}

/// <summary><c>TPM_UnBind</c>, Part 3 §10.3: decrypts what anybody has encrypted with a public key of this TPM.</summary>
public sealed class UnBind()
    : TpmCommand<UnBindRequest, UnBindResponse>(
        TpmOrdinal.UnBind, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in UnBindRequest request, ref UnBindResponse response)
    {
        if (request.InData.IsEmpty) return BadParameter;
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (key.Usage is not (TpmKeyUsage.Bind or TpmKeyUsage.Legacy)) return InvalidKeyUsage;
        bool isOaep = key.Key.AlgorithmParms.EncScheme == TpmEncScheme.RsaesOaepSha1Mgf1;
        if (tpm.DecryptByScheme(key, request.InData, out ReadOnlyMemory<byte> plain).Failed(out error)) return error;
        // Action 5: a legacy key decrypts what was not made for a TPM at all.
        bool isBare = !isOaep && key.Usage == TpmKeyUsage.Legacy;
        return isBare ? Reveal(plain, ref response) : Open(tpm, plain, ref response);
    }

    /// <summary>Action 6. One code for every fault of what was decrypted: who tries ciphertexts learns no more than that it was one.</summary>
    private static TpmResult Open(CommandContext tpm, ReadOnlyMemory<byte> plain, ref UnBindResponse response)
    {
        if (WireFormat.Read(plain.Span, out TpmBoundData bound, tpm.Scratch) != Success) return DecryptError;
        bool isBound = bound is { Major: 1, Minor: 1, Payload: TpmPayloadType.Bind };
        return isBound ? Reveal(bound.PayloadData, ref response) : DecryptError;
    }

    private static TpmResult Reveal(ReadOnlyMemory<byte> data, ref UnBindResponse response)
    {
        response.OutData = data;
        return Success;
    }
}
