using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.OptIn;

public struct OwnerSetDisableRequest : IWireStructure<OwnerSetDisableRequest>
{
    public bool DisableState;

    public static void Describe<TCodec>(ref TCodec wire, ref OwnerSetDisableRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Bool(ref value.DisableState);
}

/// <summary><c>TPM_OwnerSetDisable</c>, Part 3 §5.2: the owner disables or enables the TPM.</summary>
public sealed class OwnerSetDisable()
    : TpmCommand<OwnerSetDisableRequest, NoParameters>(
        TpmOrdinal.OwnerSetDisable, Sessions.One, Availability.Deactivated | Availability.Disabled, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in OwnerSetDisableRequest request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        tpm.PermanentFlags = tpm.PermanentFlags with { Disable = request.DisableState };
        return Success;
    }
}
