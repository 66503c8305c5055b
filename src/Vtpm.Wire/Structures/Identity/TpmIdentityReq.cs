namespace Vtpm.Wire;

/// <summary><c>TPM_IDENTITY_REQ</c>, Part 2 §12.6: what a platform sends to a privacy CA; all sizes stand before the first field.</summary>
public struct TpmIdentityReq : IWireStructure<TpmIdentityReq>
{
    public TpmKeyParms AsymAlgorithm;
    public TpmKeyParms SymAlgorithm;

    /// <summary>The TPM_ASYM_CA_CONTENTS of the request, encrypted to the CA.</summary>
    public ReadOnlyMemory<byte> AsymBlob;

    /// <summary>The TPM_IDENTITY_PROOF, encrypted with the session key.</summary>
    public ReadOnlyMemory<byte> SymBlob;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmIdentityReq value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        int asymSize = wire.Length32(value.AsymBlob);
        int symSize = wire.Length32(value.SymBlob);
        wire.Structure(ref value.AsymAlgorithm);
        wire.Structure(ref value.SymAlgorithm);
        wire.Run(ref value.AsymBlob, asymSize);
        wire.Run(ref value.SymBlob, symSize);
    }
}
