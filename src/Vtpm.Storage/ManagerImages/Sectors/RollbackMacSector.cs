using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// Where the rollback MACs of the root go on. The original reserved the fields for it and never wrote one, so this layout is ours; the original reads
/// such an image, and takes the groups of these MACs for rolled back. The hash in front of it covers its whole plaintext.
/// </summary>
internal struct RollbackMacSector : IWireStructure<RollbackMacSector>
{
    public const int MacCount = 201;

    public uint MacsHere;
    public uint Next;
    public byte[] NextHash;
    public RollbackMac[] Macs;

    public static void Describe<TCodec>(ref TCodec wire, ref RollbackMacSector value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.MacsHere);
        wire.UInt32(ref value.Next);
        wire.Bytes(ref value.NextHash, HashTree.HashSize);
        wire.Structures(ref value.Macs, MacCount);
    }
}
