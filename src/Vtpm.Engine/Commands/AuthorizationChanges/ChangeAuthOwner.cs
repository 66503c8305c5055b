using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.AuthorizationChanges;

public struct ChangeAuthOwnerRequest : IWireStructure<ChangeAuthOwnerRequest>
{
    public TpmProtocolId ProtocolId;
    public TpmAuthData NewAuth;
    public ushort EntityType;

    public static void Describe<TCodec>(ref TCodec wire, ref ChangeAuthOwnerRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.ProtocolId);
        TpmAuthData.Describe(ref wire, ref value.NewAuth);
        wire.UInt16(ref value.EntityType);
    }
}

/// <summary><c>TPM_ChangeAuthOwner</c>, Part 3 §17.2: another secret for the owner, or for the storage root key.</summary>
public sealed class ChangeAuthOwner()
    : TpmCommand<ChangeAuthOwnerRequest, NoParameters>(TpmOrdinal.ChangeAuthOwner, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in ChangeAuthOwnerRequest request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (tpm.Auths[0].Session.Protocol != TpmProtocolId.Osap) return BadMode;
        if (request.ProtocolId != TpmProtocolId.Adcp) return BadParameter;
        if (request.EntityType is not ((ushort)TpmEntityType.Owner or (ushort)TpmEntityType.Srk)) return WrongEntityType;
        if (tpm.DecryptAuth(request.NewAuth, AdipNonce.Even, out Secret newAuth).Failed(out error)) return error;
        if (request.EntityType == (ushort)TpmEntityType.Owner)
        {
            tpm.PermanentData = tpm.PermanentData with { OwnerAuth = newAuth };
        }
        else
        {
            if (tpm.PermanentData.Srk is not { } srk) return NoSrk;
            tpm.PermanentData = tpm.PermanentData with { Srk = srk with { UsageAuth = newAuth } };
            tpm.EndSessionsOf(srk.Entity);
        }

        // Action 8. Nobody can tell from outside which of the sessions that were saved are the owner's: all of them go (action 9).
        tpm.EndSessionsOf(AuthEntity.Owner);
        tpm.State = tpm.State with { StAnyData = tpm.State.StAnyData.WithoutContexts(_ => true) };
        return Success;
    }
}
