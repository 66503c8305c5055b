using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary><c>TPM2B_DIGEST</c> (TPM 2.0 Part 2 §10.4.2), and the other buffers of that form.</summary>
public struct Tpm2bDigest : IWireStructure<Tpm2bDigest>
{
    public ReadOnlyMemory<byte> Buffer;

    public static void Describe<TCodec>(ref TCodec wire, ref Tpm2bDigest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized16(ref value.Buffer);
}
