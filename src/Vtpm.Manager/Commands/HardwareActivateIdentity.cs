using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>TPM_ActivateIdentity</c> on the hardware TPM, for an identity key that belongs to no group. The original has no layout for it.
/// </summary>
internal sealed class HardwareActivateIdentity()
    : ActivationCommand<VtpmActivateIdentityRequest>(VtpmManagerOrdinal.TpmActivateIdentity)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmActivateIdentityRequest request, ref TpmSymmetricKey response)
    {
        if (manager.Administration is not { } hardware) return TpmResult.DisabledCmd;
        if (request.Blob.Length > LongestBlob) return TpmResult.BadParameter;
        using var secret = new TpmSecret(request.IdentityAuth.ReadOnlySpan);
        response = hardware.ActivateIdentity(request.IdKey, secret, request.Blob);
        return TpmResult.Success;
    }
}
