using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary><c>VTPM_ORD_GETBOOTHASH</c>: the vTPM's kernel hash.</summary>
internal sealed class GetBootHash() : ManagerCommand<NoParameters, TpmDigest>(VtpmManagerOrdinal.GetBootHash)
{
    protected override TpmResult Execute(in ManagerContext manager, in NoParameters request, ref TpmDigest response)
    {
        response = manager.Link.KernelHash;
        return TpmResult.Success;
    }
}
