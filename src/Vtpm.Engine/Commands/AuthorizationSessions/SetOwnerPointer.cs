using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.AuthorizationSessions;

public struct SetOwnerPointerRequest : IWireStructure<SetOwnerPointerRequest>
{
    /// <summary>The high byte of the entity type: zero, since nothing is encrypted (Part 2 §4.3).</summary>
    public TpmAdipEncScheme EncScheme;
    public TpmEntityType EntityType;
    public uint EntityValue;

    public static void Describe<TCodec>(ref TCodec wire, ref SetOwnerPointerRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.EncScheme);
        wire.Enum(ref value.EntityType);
        wire.UInt32(ref value.EntityValue);
    }
}

/// <summary><c>TPM_SetOwnerPointer</c>, Part 3 §18.4: puts a delegation in the owner's place for clients that know OIAP and OSAP alone.</summary>
public sealed class SetOwnerPointer()
    : TpmCommand<SetOwnerPointerRequest, NoParameters>(TpmOrdinal.SetOwnerPointer, Sessions.None, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in SetOwnerPointerRequest request, ref NoParameters response)
    {
        if (request.EncScheme != TpmAdipEncScheme.Xor) return BadParameter;
        switch (request.EntityType)
        {
            case TpmEntityType.DelegateRow:
                if (tpm.Permanent.Delegation.FindRow(request.EntityValue) is not { } row) return BadIndex;
                if (tpm.CheckFamily(row.Pub).Failed(out TpmResult error)) return error;
                tpm.StClearData = tpm.StClearData with { OwnerReference = request.EntityValue };
                return Success;
            case TpmEntityType.Owner:
                tpm.StClearData = tpm.StClearData with { OwnerReference = TpmKeyHandle.Owner };
                return Success;
            default:
                return BadParameter;
        }
    }
}
