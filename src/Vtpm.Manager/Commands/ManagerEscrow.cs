using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>MANAGER_ESCROW</c>, ours: what opens the image without this hardware TPM, for group 0's authority alone.</summary>
internal sealed class ManagerEscrow() : ManagerCommand<NoParameters, VtpmManagerEscrowResponse>(VtpmManagerOrdinal.ManagerEscrow)
{
    protected override TpmResult Execute(in ManagerContext manager, in NoParameters request, ref VtpmManagerEscrowResponse response)
    {
        const string What = "ManagerEscrow";
        // Else it could be of keys that a restart does not find.
        if (manager.Manager.Settle(What) is var doubt and not TpmResult.Success) return doubt;
        using ManagerRecoveryKey key = manager.Image.ToRecoveryKey();
        if (Escrow.Make(key, manager.Image.Groups[0].SaaModulus.Span) is not { } escrow)
        {
            manager.Log.Error($"{What}: group 0 has no authority that it could be for (group-add gives it one)");
            return TpmResult.Fail;
        }

        response.Escrow = escrow;
        manager.Log.Info($"{What}: given out for group 0's authority; it opens the image until manage rotate, or group-rotate 0");
        return TpmResult.Success;
    }
}
