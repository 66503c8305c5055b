using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary><c>TPMT_TK_CREATION</c> (TPM 2.0 Part 2 §10.7.3): the TPM's own word on what it has made; nobody here asks it back.</summary>
public struct TpmtTkCreation : IWireStructure<TpmtTkCreation>
{
    public ushort Tag;
    public uint Hierarchy;
    public ReadOnlyMemory<byte> Digest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmtTkCreation value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt16(ref value.Tag);
        wire.UInt32(ref value.Hierarchy);
        wire.Sized16(ref value.Digest);
    }
}
