namespace Vtpm.Wire;

/// <summary><c>TPM_DAA_SENSITIVE</c>, Part 2 §22.9: the part of a DAA blob that is encrypted.</summary>
public struct TpmDaaSensitive : IWireStructure<TpmDaaSensitive>
{
    /// <summary>A TPM_DAA_TPM, v0 or v1, as the resource type of the blob says.</summary>
    public ReadOnlyMemory<byte> InternalData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaaSensitive value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaaSensitive);
        wire.Sized32(ref value.InternalData);
    }
}
