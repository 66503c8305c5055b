using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Capability;

/// <summary>TPM_CAP_HANDLE, TPM_CAP_KEY_HANDLE and TPM_CAP_NV_LIST, Part 2 §21.1: what the TPM has at the moment.</summary>
internal static class CapabilityLists
{
    /// <summary>TPM_KEY_HANDLE_LIST of a resource type; for TPM_RT_CONTEXT the numbers of the saved session contexts.</summary>
    /// <returns>TPM_BAD_MODE for a type that has no list.</returns>
    public static TpmResult Handles(CommandContext tpm, TpmResourceType type, out ReadOnlyMemory<byte> list)
    {
        TpmState state = tpm.State;
        uint[]? handles = type switch
        {
            TpmResourceType.Key => HandlesOf(state.Keys),
            TpmResourceType.Auth => HandlesOf(state.Sessions),
            TpmResourceType.Counter => HandlesOf(state.Permanent.Counters.Counters),
            TpmResourceType.Context => [.. state.StAnyData.ContextList],
            TpmResourceType.Trans => HandlesOf(state.Transports),
            TpmResourceType.DaaTpm => HandlesOf(state.DaaSessions),
            _ => null,
        };
        list = handles is null ? default : WireFormat.ToBytes(new TpmKeyHandleList { Handle = handles });
        return handles is null ? TpmResult.BadMode : TpmResult.Success;
    }

    /// <summary>The indexes of all areas, the DIR's among them, without a count.</summary>
    public static ReadOnlyMemory<byte> NvIndexes(NvStorage nv)
    {
        uint[] indexes = [TpmNvIndex.Dir, .. HandlesOf(nv)];
        return CapabilityValue.Of(indexes);
    }

    private static uint[] HandlesOf<T>(HandleTable<T> table)
        where T : class, IHandled
    {
        var handles = new uint[table.Count];
        for (int i = 0; i < handles.Length; i++) handles[i] = table.Items[i].Handle;
        return handles;
    }

    private static uint[] HandlesOf(NvStorage nv)
    {
        var indexes = new uint[nv.Areas.Length];
        for (int i = 0; i < indexes.Length; i++) indexes[i] = nv.Areas[i].Index;
        return indexes;
    }
}
