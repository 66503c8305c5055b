namespace Vtpm.Wire;

/// <summary><c>TPM_RSA_KEY_PARMS</c>, Part 2 §10.1.1. An empty exponent stands for 65537.</summary>
public struct TpmRsaKeyParms : IWireStructure<TpmRsaKeyParms>
{
    public uint KeyLength;
    public uint NumPrimes;
    public ReadOnlyMemory<byte> Exponent;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmRsaKeyParms value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyLength);
        wire.UInt32(ref value.NumPrimes);
        wire.Sized32(ref value.Exponent);
    }
}
