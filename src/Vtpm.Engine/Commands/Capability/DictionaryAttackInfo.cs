using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Capability;

/// <summary>TPM_CAP_DA_LOGIC, Part 2 §21.7 to §21.10: how far the defence against guessing is.</summary>
internal static class DictionaryAttackInfo
{
    /// <summary>TPM_DA_INFO, or TPM_DA_INFO_LIMITED where the owner wants no more told. One count stands for all entities.</summary>
    /// <returns>TPM_WRONG_ENTITYTYPE for a type that there is not.</returns>
    public static TpmResult Read(CommandContext tpm, uint entityType, out ReadOnlyMemory<byte> info)
    {
        info = default;
        if (entityType is < (uint)TpmEntityType.KeyHandle or > (uint)TpmEntityType.Operator) return TpmResult.WrongEntityType;
        DictionaryAttackStatus status = tpm.DictionaryAttack;
        info = tpm.PermanentFlags.DisableFullDALogicInfo ? WireFormat.ToBytes(status.LimitedInfo) : WireFormat.ToBytes(status.Info);
        return TpmResult.Success;
    }
}
