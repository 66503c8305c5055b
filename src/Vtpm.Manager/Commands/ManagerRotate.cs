using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>MANAGER_ROTATE</c>, ours: a new key for the image, by which every sector is written anew, those of closed groups too.</summary>
internal sealed class ManagerRotate() : ManagerCommand<NoParameters, NoParameters>(VtpmManagerOrdinal.ManagerRotate)
{
    protected override TpmResult Execute(in ManagerContext manager, in NoParameters request, ref NoParameters response)
    {
        const string What = "ManagerRotate";
        if (!manager.Manager.CanKeep(What) || !manager.Manager.CanRotate(What)) return TpmResult.Fail;
        manager.Image.RotateKey();
        if (manager.Manager.SaveRevoking(What, renewsKey: true) is var failure and not TpmResult.Success) return failure;
        manager.Log.Info($"{What}: the image has a new key; an escrow from before opens it no longer (manage escrow)");
        return TpmResult.Success;
    }
}
