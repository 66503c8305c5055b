using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary><see cref="SavedState"/> in the state file.</summary>
internal struct SavedStateImage : IWireStructure<SavedStateImage>
{
    public PcrBankImage Pcrs;
    public TpmStClearFlags StClearFlags;
    public StClearDataImage StClearData;
    public KeyImage[] Keys;

    public static void Describe<TCodec>(ref TCodec wire, ref SavedStateImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.Pcrs);
        wire.Structure(ref value.StClearFlags);
        wire.Structure(ref value.StClearData);
        wire.List32(ref value.Keys, StateFormat.MaxItems);
    }

    public static SavedStateImage Of(SavedState state, NvStorage nv) => new()
    {
        Pcrs = PcrBankImage.Of(state.Pcrs),
        StClearFlags = state.StClearFlags,
        StClearData = StClearDataImage.Of(state.StClearData, nv),
        Keys = StateFormat.Images(state.Keys),
    };

    /// <exception cref="StateFormatException">A key is not usable.</exception>
    public readonly SavedState ToState(ITpmRsa rsa) => new(Pcrs.ToBank(), StClearFlags, StClearData.ToData(), StateFormat.Keys(Keys, rsa));
}
