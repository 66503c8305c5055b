using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Sectors 2 and 3: the root of everything, one of two generations.</summary>
internal struct RootSector : IWireStructure<RootSector>
{
    /// <summary>Groups that fit without a tree.</summary>
    public const int Width = 16;

    public const int RollbackMacCount = 128;

    /// <summary>The first bytes, over which the rollback MACs go: everything before the locations.</summary>
    public const int MacArea = 8 + 4 + 4 + (Width * HashTree.HashSize);

    public ulong Sequence;
    public uint CounterValue;
    public uint GroupCount;
    public byte[] GroupHashes;
    public uint[] GroupLocations;
    public byte[] Padding;
    public uint RollbackMacsHere;

    /// <summary>Where the list of MACs goes on, or 0.</summary>
    public uint RollbackNext;

    public byte[] RollbackNextHash;
    public RollbackMac[] RollbackMacs;

    public static void Describe<TCodec>(ref TCodec wire, ref RootSector value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt64(ref value.Sequence);
        wire.UInt32(ref value.CounterValue);
        wire.UInt32(ref value.GroupCount);
        wire.Bytes(ref value.GroupHashes, Width * HashTree.HashSize);
        wire.UInt32s(ref value.GroupLocations, Width);
        wire.Bytes(ref value.Padding, 8);
        wire.UInt32(ref value.RollbackMacsHere);
        wire.UInt32(ref value.RollbackNext);
        wire.Bytes(ref value.RollbackNextHash, HashTree.HashSize);
        wire.Structures(ref value.RollbackMacs, RollbackMacCount);
    }
}

/// <summary>Proof, under a group's own key, that the group belongs to this generation of the root.</summary>
internal struct RollbackMac : IWireStructure<RollbackMac>
{
    public uint GroupIndex;
    public byte[] Mac;

    public static void Describe<TCodec>(ref TCodec wire, ref RollbackMac value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.GroupIndex);
        wire.Bytes(ref value.Mac, AesCmac.Size);
    }
}
