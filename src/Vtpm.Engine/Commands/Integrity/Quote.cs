using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Integrity;

public struct QuoteRequest : IWireStructure<QuoteRequest>
{
    public uint KeyHandle;
    public TpmNonce ExternalData;
    public TpmPcrSelection TargetPcr;

    public static void Describe<TCodec>(ref TCodec wire, ref QuoteRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        TpmNonce.Describe(ref wire, ref value.ExternalData);
        wire.Structure(ref value.TargetPcr);
    }
}

public struct QuoteResponse : IWireStructure<QuoteResponse>
{
    public TpmPcrComposite PcrData;
    public ReadOnlyMemory<byte> Sig;

    public static void Describe<TCodec>(ref TCodec wire, ref QuoteResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PcrData);
        wire.Sized32(ref value.Sig);
    }
}

/// <summary><c>TPM_Quote</c>, Part 3 §16.3: signs the values of PCRs.</summary>
public sealed class Quote()
    : TpmCommand<QuoteRequest, QuoteResponse>(TpmOrdinal.Quote, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in QuoteRequest request, ref QuoteResponse response)
    {
        if (UseQuotingKey(tpm, request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (!PcrBinding.IsValid(request.TargetPcr)) return InvalidPcrInfo;
        response.PcrData = tpm.State.Pcrs.Composite(request.TargetPcr);
        // Action 5: of the composite as it is answered, also when it selects nothing, so that whoever verifies can hash what he gets.
        var info = new TpmQuoteInfo { DigestValue = WireFormat.Digest(response.PcrData), ExternalData = request.ExternalData };
        return CommandContext.SignStructure(key, info, out response.Sig);
    }

    /// <summary>Actions 1 to 3, which TPM_Quote2 shares.</summary>
    internal static TpmResult UseQuotingKey(CommandContext tpm, uint keyHandle, out LoadedKey key) =>
        tpm.UseKey(keyHandle, out key).Failed(out TpmResult error) ? error : CommandContext.CheckSigner(key);
}
