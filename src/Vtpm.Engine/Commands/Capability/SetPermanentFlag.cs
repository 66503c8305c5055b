using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Capability;

/// <summary>TPM_SET_PERM_FLAGS: the flags of TPM_PERMANENT_FLAGS that can be set, each under its restrictions of Part 2 §7.1.1.</summary>
internal static class SetPermanentFlag
{
    public static TpmResult Set(CommandContext tpm, TpmPermanentFlag flag, ReadOnlySpan<byte> setValue)
    {
        if (CheckRestrictions(tpm, flag).Failed(out TpmResult error)) return error;
        if (SetRestriction.Bool(setValue, out bool value).Failed(out error)) return error;
        if (OnlyValue(flag) is { } only && value != only) return BadParameter;
        TpmPermanentFlags flags = tpm.PermanentFlags;
        tpm.PermanentFlags = flag switch
        {
            TpmPermanentFlag.Disable => flags with { Disable = value },
            TpmPermanentFlag.Ownership => flags with { Ownership = value },
            TpmPermanentFlag.Deactivated => flags with { Deactivated = value },
            TpmPermanentFlag.ReadPubek => flags with { ReadPubek = value },
            TpmPermanentFlag.DisableOwnerClear => flags with { DisableOwnerClear = value },
            TpmPermanentFlag.AllowMaintenance => flags with { AllowMaintenance = value },
            TpmPermanentFlag.ReadSrkPub => flags with { ReadSrkPub = value },
            TpmPermanentFlag.TpmEstablished => flags with { TpmEstablished = value },
            TpmPermanentFlag.DisableFullDALogicInfo => flags with { DisableFullDALogicInfo = value },
            _ => flags,
        };
        return Success;
    }

    private static TpmResult CheckRestrictions(CommandContext tpm, TpmPermanentFlag flag)
    {
        TpmResult error;
        switch (flag)
        {
            case TpmPermanentFlag.Disable:
                return SetRestriction.Owner(tpm) == Success ? Success : SetRestriction.Presence(tpm);
            case TpmPermanentFlag.Ownership:
                if (SetRestriction.NoAuthorization(tpm).Failed(out error) || tpm.CheckEnabled().Failed(out error)) return error;
                return tpm.HasOwner ? OwnerSet : SetRestriction.Presence(tpm);
            case TpmPermanentFlag.Deactivated:
                if (SetRestriction.NoAuthorization(tpm).Failed(out error)) return error;
                return tpm.PermanentFlags.Disable ? Disabled : SetRestriction.Presence(tpm);
            case TpmPermanentFlag.ReadPubek or TpmPermanentFlag.DisableOwnerClear or TpmPermanentFlag.AllowMaintenance or TpmPermanentFlag.ReadSrkPub:
                return SetRestriction.Owner(tpm).Failed(out error) ? error : tpm.CheckEnabled();
            case TpmPermanentFlag.TpmEstablished:
                return SetRestriction.Locality3Or4(tpm);
            case TpmPermanentFlag.DisableFullDALogicInfo:
                return SetRestriction.Owner(tpm);
            default:
                return BadParameter;
        }
    }

    /// <summary>Flags that go one way: another command, or none, takes them back.</summary>
    private static bool? OnlyValue(TpmPermanentFlag flag) => flag switch
    {
        TpmPermanentFlag.DisableOwnerClear => true,
        TpmPermanentFlag.AllowMaintenance or TpmPermanentFlag.TpmEstablished => false,
        _ => null,
    };
}
