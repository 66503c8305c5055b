using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Delegation: what a DSAP session may authorize.</content>
public sealed partial class CommandContext
{
    private static TpmResult CheckDelegation(SessionDelegation delegation) => TpmResult.DisabledCmd;
}
