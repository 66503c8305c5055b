using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>TPM_MakeIdentity</c> on the hardware TPM: an identity key that belongs to no group. The original has no layout for it.</summary>
internal sealed class HardwareMakeIdentity() : ManagerCommand<VtpmMakeIdentityRequest, VtpmMakeIdentityResponse>(VtpmManagerOrdinal.TpmMakeIdentity)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmMakeIdentityRequest request, ref VtpmMakeIdentityResponse response)
    {
        if (manager.Administration is not { } hardware) return TpmResult.DisabledCmd;
        using var secret = new TpmSecret(request.IdentityAuth.ReadOnlySpan);
        (response.IdKey, byte[] binding) = hardware.MakeIdentity(secret, request.LabelDigest, request.IdKeyParams);
        response.IdentityBinding = binding;
        return TpmResult.Success;
    }
}
