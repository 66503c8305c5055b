using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_RECOVER1</c>: asks the authority of a closed group for the group's keys. An identity key of this hardware TPM, which no group
/// has
/// but whose credential the authority knows, vouches for the platform and for the value by which the two agree on a key. The original never
/// implemented it.
/// </summary>
internal sealed class GroupRecover1() : ManagerCommand<VtpmGroupRecover1Request, VtpmGroupRecover1Response>(VtpmManagerOrdinal.GroupRecover1)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRecover1Request request, ref VtpmGroupRecover1Response response)
    {
        if (manager.FindAnyGroup(request.Group) is not { } group) return TpmResult.BadIndex;
        if (group.IsOpen)
        {
            manager.Log.Error($"GroupRecover1 of group {request.Group} refused: the group is open");
            return TpmResult.Fail;
        }

        if (request.PcrSelection.PcrSelect.Length > BareQuote.LongestSelection) return TpmResult.BadParameter;
        if (manager.Administration is not { } hardware) return TpmResult.DisabledCmd;
        var own = new DiffieHellman();
        byte[] signature = [];
        try
        {
            TpmDigest externalData = BareQuote.ExternalData(BareQuote.Recovering(request.Nonce, own.Public.Span));
            // Its secret is no secret: what the quote tells is the PCRs, and whoever commands this TPM with these PCRs is the manager.
            using TpmSecret secret = TpmSecret.WellKnown();
            signature = hardware.Quote(request.ProxyAik, secret, externalData, request.PcrSelection).Signature;
        }
        finally
        {
            if (signature.Length != Rsa2048.Size) own.Dispose();
        }

        if (signature.Length != Rsa2048.Size) return TpmResult.Fail;
        manager.Manager.Recoveries.Begin(group, own);
        response.Dhkx1 = own.Public;
        response.Quote = signature;
        manager.Log.Info($"GroupRecover1 of group {request.Group} ({group.Uuid}): its authority is asked for its keys");
        return TpmResult.Success;
    }
}
