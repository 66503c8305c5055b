using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary><see cref="DictionaryAttack"/> in the state file.</summary>
internal struct DictionaryAttackImage : IWireStructure<DictionaryAttackImage>
{
    public uint FailedAuthorizations;

    /// <summary>Seconds since 1970, UTC.</summary>
    public ulong LastFailure;
    public bool ResetFailed;

    public static void Describe<TCodec>(ref TCodec wire, ref DictionaryAttackImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.FailedAuthorizations);
        wire.UInt64(ref value.LastFailure);
        wire.Bool(ref value.ResetFailed);
    }

    public static DictionaryAttackImage Of(DictionaryAttack state) => new()
    {
        FailedAuthorizations = state.FailedAuthorizations,
        LastFailure = (ulong)Math.Max(state.LastFailure.ToUnixTimeSeconds(), 0),
        ResetFailed = state.ResetFailed,
    };

    /// <summary>A time beyond what there can be is cut off: it only makes forgiveness wait.</summary>
    public readonly DictionaryAttack ToState() => new()
    {
        FailedAuthorizations = FailedAuthorizations,
        LastFailure = DateTimeOffset.FromUnixTimeSeconds((long)Math.Min(LastFailure, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds())),
        ResetFailed = ResetFailed,
    };
}
