using System.Collections.Frozen;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary><see cref="SavedState"/> in the state file.</summary>
internal struct SavedStateImage : IWireStructure<SavedStateImage>
{
    public TpmDigest[] Pcrs;
    public TpmStClearFlags StClearFlags;
    public TpmNonce ContextNonceKey;
    public uint CountId;
    public uint OwnerReference;
    public uint DeferredPhysicalPresence;
    public Number[] NvWriteLocks;
    public Number[] NvReadLocks;
    public KeyImage[] Keys;

    public static void Describe<TCodec>(ref TCodec wire, ref SavedStateImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.List32(ref value.Pcrs, PcrBank.Count);
        wire.Structure(ref value.StClearFlags);
        TpmNonce.Describe(ref wire, ref value.ContextNonceKey);
        wire.UInt32(ref value.CountId);
        wire.UInt32(ref value.OwnerReference);
        wire.UInt32(ref value.DeferredPhysicalPresence);
        wire.List32(ref value.NvWriteLocks, StateFormat.MaxItems);
        wire.List32(ref value.NvReadLocks, StateFormat.MaxItems);
        wire.List32(ref value.Keys, StateFormat.MaxItems);
    }

    public static SavedStateImage Of(SavedState state) => new()
    {
        Pcrs = [.. Enumerable.Range(0, PcrBank.Count).Select(pcr => state.Pcrs[pcr])],
        StClearFlags = state.StClearFlags,
        ContextNonceKey = state.StClearData.ContextNonceKey,
        CountId = state.StClearData.CountId,
        OwnerReference = state.StClearData.OwnerReference,
        DeferredPhysicalPresence = state.StClearData.DeferredPhysicalPresence,
        NvWriteLocks = [.. state.StClearData.NvWriteLocks.Order().Select(index => new Number { Value = index })],
        NvReadLocks = [.. state.StClearData.NvReadLocks.Order().Select(index => new Number { Value = index })],
        Keys = StateFormat.Images(state.Keys),
    };

    /// <exception cref="StateFormatException">The registers are not all there, or a key is not usable.</exception>
    public readonly SavedState ToState(ITpmRsa rsa)
    {
        if (Pcrs.Length != PcrBank.Count) throw new StateFormatException($"the TPM's saved state has {Pcrs.Length} PCRs");
        var data = new StClearData
        {
            ContextNonceKey = ContextNonceKey,
            CountId = CountId,
            OwnerReference = OwnerReference,
            DeferredPhysicalPresence = DeferredPhysicalPresence,
            NvWriteLocks = NvWriteLocks.Select(number => number.Value).ToFrozenSet(),
            NvReadLocks = NvReadLocks.Select(number => number.Value).ToFrozenSet(),
        };
        return new SavedState(PcrBank.Of(Pcrs), StClearFlags, data, StateFormat.Keys(Keys, rsa));
    }
}
