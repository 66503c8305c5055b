using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Endorsement;

public struct ReadPubekRequest : IWireStructure<ReadPubekRequest>
{
    public TpmNonce AntiReplay;

    public static void Describe<TCodec>(ref TCodec wire, ref ReadPubekRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmNonce.Describe(ref wire, ref value.AntiReplay);
}

/// <summary><c>TPM_ReadPubek</c>, Part 3 §14.4: the public endorsement key, while there is no owner to ask.</summary>
public sealed class ReadPubek()
    : TpmCommand<ReadPubekRequest, PubekResponse>(TpmOrdinal.ReadPubek, Sessions.None, Availability.NoOwner, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in ReadPubekRequest request, ref PubekResponse response)
    {
        if (!tpm.PermanentFlags.ReadPubek) return DisabledCmd;
        if (tpm.PermanentData.EndorsementKey is not { } endorsementKey) return NoEndorsement;
        response = PubekResponse.Of(endorsementKey, request.AntiReplay);
        return Success;
    }
}
