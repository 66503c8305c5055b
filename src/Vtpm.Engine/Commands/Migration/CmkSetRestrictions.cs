using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct CmkSetRestrictionsRequest : IWireStructure<CmkSetRestrictionsRequest>
{
    public TpmCmkDelegate Restriction;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkSetRestrictionsRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Enum(ref value.Restriction);
}

/// <summary>
/// <c>TPM_CMK_SetRestrictions</c>, Part 3 §11.5: which certified migration keys delegates may use. No delegation covers it: a delegate must not widen
/// what he may do.
/// </summary>
public sealed class CmkSetRestrictions()
    : TpmCommand<CmkSetRestrictionsRequest, NoParameters>(TpmOrdinal.CmkSetRestrictions, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in CmkSetRestrictionsRequest request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        tpm.PermanentData = tpm.PermanentData with { RestrictDelegate = (uint)request.Restriction };
        return Success;
    }
}
