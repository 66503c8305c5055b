using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Integrity;

public struct Quote2Request : IWireStructure<Quote2Request>
{
    public uint KeyHandle;
    public TpmNonce ExternalData;
    public TpmPcrSelection TargetPcr;
    public bool AddVersion;

    public static void Describe<TCodec>(ref TCodec wire, ref Quote2Request value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        TpmNonce.Describe(ref wire, ref value.ExternalData);
        wire.Structure(ref value.TargetPcr);
        wire.Bool(ref value.AddVersion);
    }
}

public struct Quote2Response : IWireStructure<Quote2Response>
{
    public TpmPcrInfoShort PcrData;

    /// <summary>Empty or a TPM_CAP_VERSION_INFO.</summary>
    public ReadOnlyMemory<byte> VersionInfo;
    public ReadOnlyMemory<byte> Sig;

    public static void Describe<TCodec>(ref TCodec wire, ref Quote2Response value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PcrData);
        wire.Sized32(ref value.VersionInfo);
        wire.Sized32(ref value.Sig);
    }
}

/// <summary><c>TPM_Quote2</c>, Part 3 §16.5: TPM_Quote that also tells the locality and, when asked to, the version of the TPM.</summary>
public sealed class Quote2()
    : TpmCommand<Quote2Request, Quote2Response>(TpmOrdinal.Quote2, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in Quote2Request request, ref Quote2Response response)
    {
        if (Quote.UseQuotingKey(tpm, request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (!PcrBinding.IsValid(request.TargetPcr)) return InvalidPcrInfo;
        response.PcrData = new TpmPcrInfoShort
        {
            PcrSelection = request.TargetPcr,
            LocalityAtRelease = tpm.LocalityBit,
            DigestAtRelease = WireFormat.Digest(tpm.State.Pcrs.Composite(request.TargetPcr)),
        };
        if (request.AddVersion) response.VersionInfo = WireFormat.ToBytes(tpm.Platform.Profile.VersionInfo);
        var quoted = new Quoted
        {
            Info = new TpmQuoteInfo2 { ExternalData = request.ExternalData, InfoShort = response.PcrData },
            VersionInfo = response.VersionInfo,
        };
        return CommandContext.SignStructure(key, quoted, out response.Sig);
    }

    /// <summary>What is signed, action 8: the two, one behind the other.</summary>
    private struct Quoted : IWireStructure<Quoted>
    {
        public TpmQuoteInfo2 Info;
        public ReadOnlyMemory<byte> VersionInfo;

        public static void Describe<TCodec>(ref TCodec wire, ref Quoted value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            wire.Structure(ref value.Info);
            wire.Rest(ref value.VersionInfo);
        }
    }
}
