namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_SYM_CA_ATTESTATION</c>, Part 2 §12.9: an identity credential, encrypted with the session key; its size stands before the algorithm.
/// </summary>
public struct TpmSymCAAttestation : IWireStructure<TpmSymCAAttestation>
{
    public TpmKeyParms Algorithm;
    public ReadOnlyMemory<byte> Credential;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmSymCAAttestation value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        int credSize = wire.Length32(value.Credential);
        wire.Structure(ref value.Algorithm);
        wire.Run(ref value.Credential, credSize);
    }
}
