namespace Vtpm.Wire;

/// <summary><c>TPM_PUBKEY</c>, Part 2 §10.5.</summary>
public struct TpmPubKey : IWireStructure<TpmPubKey>
{
    public TpmKeyParms AlgorithmParms;
    public TpmStorePubKey PubKey;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPubKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.AlgorithmParms);
        wire.Structure(ref value.PubKey);
    }
}
