namespace Vtpm.Wire;

/// <summary><c>TPM_KEY_PARMS</c>, Part 2 §10.1: an algorithm, its schemes, and the sized parameters that the algorithm defines.</summary>
public struct TpmKeyParms : IWireStructure<TpmKeyParms>
{
    public TpmAlgorithmId AlgorithmId;
    public TpmEncScheme EncScheme;
    public TpmSigScheme SigScheme;
    public ReadOnlyMemory<byte> Parms;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmKeyParms value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.AlgorithmId);
        wire.Enum(ref value.EncScheme);
        wire.Enum(ref value.SigScheme);
        wire.Sized32(ref value.Parms);
    }
}
