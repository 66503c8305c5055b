using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Endorsement;

public struct OwnerReadInternalPubRequest : IWireStructure<OwnerReadInternalPubRequest>
{
    public uint KeyHandle;

    public static void Describe<TCodec>(ref TCodec wire, ref OwnerReadInternalPubRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.KeyHandle);
}

public struct OwnerReadInternalPubResponse : IWireStructure<OwnerReadInternalPubResponse>
{
    public TpmPubKey PublicPortion;

    public static void Describe<TCodec>(ref TCodec wire, ref OwnerReadInternalPubResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.PublicPortion);
}

/// <summary>
/// <c>TPM_OwnerReadInternalPub</c>, Part 3 §14.5: the public half of the endorsement key or of the storage root key. The handle is in the HMAC.
/// </summary>
public sealed class OwnerReadInternalPub()
    : TpmCommand<OwnerReadInternalPubRequest, OwnerReadInternalPubResponse>(
        TpmOrdinal.OwnerReadInternalPub, Sessions.One, Availability.Owned, Duration.Short)
{
    internal override int KeyHandles(ReadOnlySpan<byte> parameters) => 1;

    protected override TpmResult Execute(CommandContext tpm, in OwnerReadInternalPubRequest request, ref OwnerReadInternalPubResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        return ReadPublic(tpm, request.KeyHandle, out response.PublicPortion);
    }

    /// <summary>Actions 2 to 5.</summary>
    internal static TpmResult ReadPublic(CommandContext tpm, uint keyHandle, out TpmPubKey publicPortion)
    {
        publicPortion = default;
        if (keyHandle is not (TpmKeyHandle.EK or TpmKeyHandle.Srk)) return BadParameter;
        LoadedKey? key = keyHandle == TpmKeyHandle.EK ? tpm.PermanentData.EndorsementKey : tpm.PermanentData.Srk;
        if (key is null) return keyHandle == TpmKeyHandle.EK ? NoEndorsement : NoSrk;
        publicPortion = key.Key.ToPubKey();
        return Success;
    }
}
