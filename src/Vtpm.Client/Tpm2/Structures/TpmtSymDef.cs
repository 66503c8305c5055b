using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary><c>TPMT_SYM_DEF</c> and <c>TPMT_SYM_DEF_OBJECT</c> (TPM 2.0 Part 2 §11.1.6, §11.1.7): none, or a block cipher with its mode.</summary>
public struct TpmtSymDef : IWireStructure<TpmtSymDef>
{
    public TpmAlgId Algorithm;
    public ushort KeyBits;
    public TpmAlgId Mode;

    public static TpmtSymDef None => new() { Algorithm = TpmAlgId.Null };

    /// <summary>What every TPM 2.0 of the PC Client profile has.</summary>
    public static TpmtSymDef Aes128Cfb => new() { Algorithm = TpmAlgId.Aes, KeyBits = 128, Mode = TpmAlgId.Cfb };

    public static void Describe<TCodec>(ref TCodec wire, ref TpmtSymDef value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.Algorithm);
        if (value.Algorithm == TpmAlgId.Null) return;
        wire.UInt16(ref value.KeyBits);
        wire.Enum(ref value.Mode);
    }
}
