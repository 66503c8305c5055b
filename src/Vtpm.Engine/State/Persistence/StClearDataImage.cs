using System.Collections.Frozen;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// <see cref="StClearData"/> as bytes, for whatever carries it over: the record of a boot (<see cref="BootFormat"/>), and what TPM_SaveState keeps
/// (<see cref="SavedStateImage"/>).
/// </summary>
internal struct StClearDataImage : IWireStructure<StClearDataImage>
{
    public TpmNonce ContextNonceKey;
    public uint CountId;
    public uint OwnerReference;
    public uint DeferredPhysicalPresence;
    public Number[] NvWriteLocks;
    public Number[] NvReadLocks;

    public static void Describe<TCodec>(ref TCodec wire, ref StClearDataImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmNonce.Describe(ref wire, ref value.ContextNonceKey);
        wire.UInt32(ref value.CountId);
        wire.UInt32(ref value.OwnerReference);
        wire.UInt32(ref value.DeferredPhysicalPresence);
        wire.List32(ref value.NvWriteLocks, StateFormat.MaxItems);
        wire.List32(ref value.NvReadLocks, StateFormat.MaxItems);
    }

    /// <param name="data">What is kept.</param>
    /// <param name="nv">The areas that there are. A lock of another is not kept, so that the NV storage bounds what is written here.</param>
    public static StClearDataImage Of(StClearData data, NvStorage nv)
    {
        data = data.OnlyLocksOf(nv);
        return new()
        {
            ContextNonceKey = data.ContextNonceKey,
            CountId = data.CountId,
            OwnerReference = data.OwnerReference,
            DeferredPhysicalPresence = data.DeferredPhysicalPresence,
            NvWriteLocks = Numbers(data.NvWriteLocks),
            NvReadLocks = Numbers(data.NvReadLocks),
        };
    }

    public readonly StClearData ToData() => new()
    {
        ContextNonceKey = ContextNonceKey,
        CountId = CountId,
        OwnerReference = OwnerReference,
        DeferredPhysicalPresence = DeferredPhysicalPresence,
        NvWriteLocks = NvWriteLocks.Select(number => number.Value).ToFrozenSet(),
        NvReadLocks = NvReadLocks.Select(number => number.Value).ToFrozenSet(),
    };

    private static Number[] Numbers(IReadOnlySet<uint> locks) =>
        locks.Count == 0 ? [] : [.. locks.Order().Select(index => new Number { Value = index })];
}
