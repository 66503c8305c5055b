using System.Buffers.Binary;
using Vtpm.Differential.Commands;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Comparison;

/// <summary>Commands that read the state and change nothing: asked on both sides, their answers must be the same.</summary>
public static class StateProbe
{
    /// <summary>The areas that the generator defines.</summary>
    public static IReadOnlyList<uint> NvIndexes { get; } = [0x00011101, 0x00011102, 0x00011103, 0x00011104, 0x00011105, 0x10011106];

    /// <summary>What nearly every command could change.</summary>
    public static IReadOnlyList<CommandStep> Quick { get; } =
    [
        Admin.GetPermanentFlags(),
        Admin.GetCapability(TpmCapability.Flag, TestTpm.BigEndian((uint)TpmCapabilityFlag.Volatile)),
        Admin.GetHandles(TpmResourceType.Key),
        Admin.GetHandles(TpmResourceType.Auth),
        Admin.GetHandles(TpmResourceType.Trans),
        Admin.GetCapability(TpmCapability.Handle, TestTpm.BigEndian((uint)TpmResourceType.Context)),
    ];

    /// <summary>All that can be read without a secret.</summary>
    public static IReadOnlyList<CommandStep> Full { get; } =
    [
        .. Quick,
        Admin.GetHandles(TpmResourceType.Counter),
        Admin.GetHandles(TpmResourceType.DaaTpm),
        Admin.GetCapability(TpmCapability.NvList, [], SortedIndexes),
        .. from property in Properties select Admin.GetProperty(property),
        .. from pcr in Enumerable.Range(0, 24) select Integrity.PcrRead((uint)pcr),
        .. from index in NvIndexes select Admin.GetCapability(TpmCapability.NvIndex, TestTpm.BigEndian(index)),
        NonVolatile.DirRead(0),
        Delegation.ReadTable(),
    ];

    private static IReadOnlyList<TpmCapabilityProperty> Properties =>
    [
        TpmCapabilityProperty.Pcr, TpmCapabilityProperty.Dir, TpmCapabilityProperty.Keys, TpmCapabilityProperty.AuthSess, TpmCapabilityProperty.Counters,
        TpmCapabilityProperty.Owner, TpmCapabilityProperty.Context, TpmCapabilityProperty.CmkRestriction, TpmCapabilityProperty.MaxKeys,
        TpmCapabilityProperty.MaxAuthSess, TpmCapabilityProperty.MaxCounters, TpmCapabilityProperty.MaxContext, TpmCapabilityProperty.InputBuffer,
    ];

    /// <summary>TPM_CAP_NV_LIST has no order, and may have the DIR in it or not (Part 2 §21.1 rule 2a).</summary>
    private static void SortedIndexes(ResponseReader answer)
    {
        answer.Vendor("respSize", 4);
        IEnumerable<uint> indexes = answer.Vendor("NV indexes", answer.Left).Chunk(4).Select(bytes => BinaryPrimitives.ReadUInt32BigEndian(bytes));
        answer.Add("NV indexes", string.Join(' ', indexes.Where(index => index != TpmNvIndex.Dir).Order().Select(index => $"{index:x8}")));
    }
}
