namespace Vtpm.Wire;

/// <summary><c>TPM_SYMMETRIC_KEY_PARMS</c>, Part 2 §10.1.2.</summary>
public struct TpmSymmetricKeyParms : IWireStructure<TpmSymmetricKeyParms>
{
    public uint KeyLength;
    public uint BlockSize;
    public ReadOnlyMemory<byte> IV;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmSymmetricKeyParms value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyLength);
        wire.UInt32(ref value.BlockSize);
        wire.Sized32(ref value.IV);
    }
}
