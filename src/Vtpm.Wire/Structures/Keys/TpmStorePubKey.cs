namespace Vtpm.Wire;

/// <summary><c>TPM_STORE_PUBKEY</c>, Part 2 §10.4: a public key, for RSA the modulus.</summary>
public struct TpmStorePubKey : IWireStructure<TpmStorePubKey>
{
    public ReadOnlyMemory<byte> Key;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmStorePubKey value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Sized32(ref value.Key);
    }
}
