namespace Vtpm.Wire;

/// <summary><c>TPM_SYMMETRIC_KEY</c>, Part 2 §9.4: a symmetric key; TPM_ActivateIdentity releases one.</summary>
public struct TpmSymmetricKey : IWireStructure<TpmSymmetricKey>
{
    public TpmAlgorithmId AlgId;
    public TpmEncScheme EncScheme;
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmSymmetricKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.AlgId);
        wire.Enum(ref value.EncScheme);
        wire.Sized16(ref value.Data);
    }
}
