using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Auditing;

/// <summary>The ordinals that are audited, as the commands of Part 3 §8 list them.</summary>
internal static class AuditedOrdinals
{
    /// <summary>UINT32s in ascending order, from <paramref name="start"/> on.</summary>
    public static byte[] List(CommandContext tpm, TpmOrdinal start)
    {
        TpmOrdinal[] audited =
        [
            .. tpm.Commands.Commands.Where(tpm.IsOrdinalAudited).Select(command => command.Traits.Ordinal).Where(ordinal => ordinal >= start).Order(),
        ];
        byte[] list = new byte[sizeof(uint) * audited.Length];
        for (int i = 0; i < audited.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(list.AsSpan(i * sizeof(uint)), (uint)audited[i]);
        return list;
    }
}
