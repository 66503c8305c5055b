using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct OwnerReadPubekResponse : IWireStructure<OwnerReadPubekResponse>
{
    public TpmPubKey PubEndorsementKey;

    public static void Describe<TCodec>(ref TCodec wire, ref OwnerReadPubekResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.PubEndorsementKey);
}

/// <summary><c>TPM_OwnerReadPubek</c>, Part 3 §27.6: the public endorsement key, for the owner.</summary>
public sealed class OwnerReadPubek()
    : TpmCommand<NoParameters, OwnerReadPubekResponse>(TpmOrdinal.OwnerReadPubek, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref OwnerReadPubekResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        return OwnerReadInternalPub.ReadPublic(tpm, TpmKeyHandle.EK, out response.PubEndorsementKey);
    }
}
