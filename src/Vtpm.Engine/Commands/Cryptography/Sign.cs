using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct SignRequest : IWireStructure<SignRequest>
{
    public uint KeyHandle;
    public ReadOnlyMemory<byte> AreaToSign;

    public static void Describe<TCodec>(ref TCodec wire, ref SignRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        wire.Sized32(ref value.AreaToSign);
    }
}

public struct SignResponse : IWireStructure<SignResponse>
{
    public ReadOnlyMemory<byte> Sig;

    public static void Describe<TCodec>(ref TCodec wire, ref SignResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.Sig);
}

/// <summary><c>TPM_Sign</c>, Part 3 §13.5: signs what the caller gives, in the way that the key's scheme says.</summary>
public sealed class Sign()
    : TpmCommand<SignRequest, SignResponse>(TpmOrdinal.Sign, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in SignRequest request, ref SignResponse response)
    {
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        ReadOnlyMemory<byte> area = request.AreaToSign;
        if (area.IsEmpty) return BadParameter;
        // An identity key could be made to sign a forged quote.
        if (key.Usage is not (TpmKeyUsage.Signing or TpmKeyUsage.Legacy)) return InvalidKeyUsage;
        return key.Key.AlgorithmParms.SigScheme switch
        {
            TpmSigScheme.RsaSsaPkcs1V15Sha1 when area.Length != TpmDigest.Size => BadParameter,
            TpmSigScheme.RsaSsaPkcs1V15Sha1 => CommandContext.SignDigest(key, new TpmDigest(area.Span), out response.Sig),
            TpmSigScheme.RsaSsaPkcs1V15Der => CommandContext.SignDer(key, area.Span, out response.Sig),
            TpmSigScheme.RsaSsaPkcs1V15Info when tpm.Auths.Count == 0 => BadParameter,
            TpmSigScheme.RsaSsaPkcs1V15Info => CommandContext.SignInfo(key, TpmSignInfoFixed.Sign, tpm.Auths[0].NonceOdd, area, out response.Sig),
            _ => InvalidKeyUsage,
        };
    }
}
