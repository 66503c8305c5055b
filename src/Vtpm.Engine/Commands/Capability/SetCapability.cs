using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Capability;

public struct SetCapabilityRequest : IWireStructure<SetCapabilityRequest>
{
    public TpmSetCapability CapArea;
    public ReadOnlyMemory<byte> SubCap;
    public ReadOnlyMemory<byte> SetValue;

    public static void Describe<TCodec>(ref TCodec wire, ref SetCapabilityRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.CapArea);
        wire.Sized32(ref value.SubCap);
        wire.Sized32(ref value.SetValue);
    }
}

/// <summary><c>TPM_SetCapability</c>, Part 3 §7.2: sets one flag or member, under the restrictions that Part 2 §7.1.1 to §7.6.1 put on each.</summary>
/// <remarks>
/// What those tables do not let be set is TPM_BAD_PARAMETER. So is the vendor's area at every locality: Xen's emulator lets locality 8 overwrite
/// its whole state there; this TPM has no such door.
/// </remarks>
public sealed class SetCapability()
    : TpmCommand<SetCapabilityRequest, NoParameters>(TpmOrdinal.SetCapability, Sessions.None | Sessions.One, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in SetCapabilityRequest request, ref NoParameters response)
    {
        if (tpm.Auths.Count == 1 && tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (!CapabilityValue.TryNumber(request.SubCap.Span, out uint subCap)) return BadParameter;
        ReadOnlySpan<byte> value = request.SetValue.Span;
        return request.CapArea switch
        {
            TpmSetCapability.PermFlags => SetPermanentFlag.Set(tpm, (TpmPermanentFlag)subCap, value),
            TpmSetCapability.PermData => SetPermanentData(tpm, (TpmPermanentDataMember)subCap, value),
            TpmSetCapability.StClearFlags => SetStClearFlag(tpm, (TpmStClearFlag)subCap, value),
            TpmSetCapability.StClearData => SetStClearData(tpm, (TpmStClearDataMember)subCap, value),
            TpmSetCapability.StAnyFlags => SetStAnyFlag(tpm, (TpmStAnyFlag)subCap, value),
            _ => BadParameter,
        };
    }

    /// <summary>Part 2 §7.4.1.</summary>
    private static TpmResult SetPermanentData(CommandContext tpm, TpmPermanentDataMember member, ReadOnlySpan<byte> value)
    {
        TpmResult error;
        switch (member)
        {
            case TpmPermanentDataMember.RestrictDelegate:
                if (SetRestriction.Owner(tpm).Failed(out error) || tpm.CheckEnabled().Failed(out error)) return error;
                if (SetRestriction.Number(value, out uint restrictDelegate).Failed(out error)) return error;
                tpm.PermanentData = tpm.PermanentData with { RestrictDelegate = restrictDelegate };
                return Success;
            case TpmPermanentDataMember.DaaProof:
                if (SetRestriction.Owner(tpm).Failed(out error)) return error;
                if (!value.IsEmpty) return BadParameter;
                tpm.PermanentData = tpm.WithNewDaaSecrets(tpm.PermanentData);
                return Success;
            default:
                return BadParameter;
        }
    }

    /// <summary>Part 2 §7.2.1.</summary>
    private static TpmResult SetStClearFlag(CommandContext tpm, TpmStClearFlag flag, ReadOnlySpan<byte> value)
    {
        if (flag != TpmStClearFlag.DisableForceClear) return BadParameter;
        if (tpm.CheckEnabled().Failed(out TpmResult error) || SetRestriction.Only(value, true).Failed(out error)) return error;
        tpm.StClearFlags = tpm.StClearFlags with { DisableForceClear = true };
        return Success;
    }

    /// <summary>Part 2 §7.5.1 and §7.5.2: bits may be set only with physical presence, and cleared always.</summary>
    private static TpmResult SetStClearData(CommandContext tpm, TpmStClearDataMember member, ReadOnlySpan<byte> value)
    {
        if (member != TpmStClearDataMember.DeferredPhysicalPresence) return BadParameter;
        if (SetRestriction.Number(value, out uint bits).Failed(out TpmResult error)) return error;
        if (!tpm.PhysicalPresence && (bits & ~tpm.StClearData.DeferredPhysicalPresence) != 0) return BadPresence;
        tpm.StClearData = tpm.StClearData with { DeferredPhysicalPresence = bits };
        return Success;
    }

    /// <summary>Part 2 §7.3.1.</summary>
    private static TpmResult SetStAnyFlag(CommandContext tpm, TpmStAnyFlag flag, ReadOnlySpan<byte> value)
    {
        if (flag != TpmStAnyFlag.TosPresent) return BadParameter;
        if (tpm.CheckEnabled().Failed(out TpmResult error) || SetRestriction.Locality3Or4(tpm).Failed(out error)) return error;
        if (SetRestriction.Only(value, false).Failed(out error)) return error;
        tpm.State = tpm.State with { StAnyFlags = tpm.State.StAnyFlags with { TosPresent = false } };
        return Success;
    }
}
