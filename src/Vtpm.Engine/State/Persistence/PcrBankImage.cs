using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary><see cref="PcrBank"/> as bytes: a count, which is that of the registers, and their values.</summary>
internal struct PcrBankImage : IWireStructure<PcrBankImage>
{
    public TpmDigest[] Values;

    public static void Describe<TCodec>(ref TCodec wire, ref PcrBankImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.List32(ref value.Values, PcrBank.Count);
        if (value.Values.Length != PcrBank.Count) wire.Fault(TpmResult.BadParamSize);
    }

    public static PcrBankImage Of(PcrBank pcrs) => new() { Values = pcrs.ToArray() };

    public readonly PcrBank ToBank() => PcrBank.Of(Values);
}
