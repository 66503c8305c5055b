using System.Collections.Frozen;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Auditing;

public struct SetOrdinalAuditStatusRequest : IWireStructure<SetOrdinalAuditStatusRequest>
{
    public TpmOrdinal OrdinalToAudit;
    public bool AuditState;

    public static void Describe<TCodec>(ref TCodec wire, ref SetOrdinalAuditStatusRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.OrdinalToAudit);
        wire.Bool(ref value.AuditState);
    }
}

/// <summary><c>TPM_SetOrdinalAuditStatus</c>, Part 3 §8.5: the owner says whether a command is audited.</summary>
public sealed class SetOrdinalAuditStatus()
    : TpmCommand<SetOrdinalAuditStatusRequest, NoParameters>(
        TpmOrdinal.SetOrdinalAuditStatus, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in SetOrdinalAuditStatusRequest request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (tpm.Commands.Find(request.OrdinalToAudit, out TpmCommand command) != Success) return BadIndex;
        // What Part 2 §17 says is never audited cannot be; to be told so again does no harm.
        if (command.Traits.Audit == Audit.Never) return request.AuditState ? BadParameter : Success;
        if (tpm.IsOrdinalAudited(command) == request.AuditState) return Success;
        HashSet<TpmOrdinal> changes = [.. tpm.PermanentData.AuditChanges];
        if (!changes.Remove(request.OrdinalToAudit)) changes.Add(request.OrdinalToAudit);
        tpm.PermanentData = tpm.PermanentData with { AuditChanges = changes.ToFrozenSet() };
        return Success;
    }
}
