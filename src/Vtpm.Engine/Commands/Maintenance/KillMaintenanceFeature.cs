using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Maintenance;

/// <summary><c>TPM_KillMaintenanceFeature</c>, Part 3 §12.3: under this owner, nothing leaves or enters by maintenance any more.</summary>
public sealed class KillMaintenanceFeature()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.KillMaintenanceFeature, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        tpm.PermanentFlags = tpm.PermanentFlags with { AllowMaintenance = false };
        return Success;
    }
}
