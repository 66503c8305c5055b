using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>An inner node for lists that do not fit their parent. Its own hash covers its hashes, not its locations.</summary>
internal struct TreeSector : IWireStructure<TreeSector>
{
    public const int Width = 112;

    public uint[] Locations;
    public byte[] Hashes;

    public static void Describe<TCodec>(ref TCodec wire, ref TreeSector value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32s(ref value.Locations, Width);
        wire.Bytes(ref value.Hashes, Width * HashTree.HashSize);
    }
}
