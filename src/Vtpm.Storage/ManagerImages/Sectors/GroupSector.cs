using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>A group: identity, details, boot configurations, and the hashes of its vTPM sectors.</summary>
internal struct GroupSector : IWireStructure<GroupSector>
{
    /// <summary>vTPM sectors that fit without a tree.</summary>
    public const int Width = 16;

    public const int SealCount = 5;
    public const int KernelCount = 16;

    /// <summary>The first bytes, under the group's own CMAC.</summary>
    public const int MacArea = 3472;

    /// <summary>The first bytes, which the parent's hash covers: everything up to and including the CMAC.</summary>
    public const int HashArea = MacArea + AesCmac.Size;

    public const int RsaSize = 256;

    public Guid Uuid;
    public byte[] SaaModulus;
    public byte[] AikPublic;
    public byte[] AikEncData;
    public byte[] RollbackPubkeyHash;
    public ulong Sequence;
    public ulong ConfigurationSequence;
    public ulong Flags;
    public byte[] RecoveryData;
    public uint SealsUsed;

    /// <summary>All of them, the first of which are in this sector; as the kernels.</summary>
    public SealEntry[] Seals;
    public uint KernelsUsed;
    public TpmDigest[] Kernels;

    /// <summary>The hash of the sector where the boot configurations go on.</summary>
    public byte[] NextHash;
    public uint VtpmCount;
    public byte[] VtpmHashes;
    public byte[] Mac;
    public uint[] VtpmLocations;

    /// <summary>
    /// Where the boot configurations go on (<see cref="ConfigurationChain"/>), or 0. Believed only when there are more than this sector has, which is
    /// so from format version 1 on: the original encrypts the group's last, partial block over with the next block of key stream, so this field reads
    /// as noise on its images.
    /// </summary>
    public uint BootConfigurationsNext;

    public static void Describe<TCodec>(ref TCodec wire, ref GroupSector value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.Uuid);
        wire.Bytes(ref value.SaaModulus, RsaSize);
        wire.Bytes(ref value.AikPublic, RsaSize);
        wire.Bytes(ref value.AikEncData, RsaSize);
        wire.Bytes(ref value.RollbackPubkeyHash, HashTree.HashSize);
        wire.UInt64(ref value.Sequence);
        wire.UInt64(ref value.ConfigurationSequence);
        wire.UInt64(ref value.Flags);
        wire.Bytes(ref value.RecoveryData, RsaSize);
        wire.UInt32(ref value.SealsUsed);
        wire.Structures(ref value.Seals, SealCount);
        wire.UInt32(ref value.KernelsUsed);
        wire.Structures(ref value.Kernels, KernelCount);
        wire.Bytes(ref value.NextHash, HashTree.HashSize);
        wire.UInt32(ref value.VtpmCount);
        wire.Bytes(ref value.VtpmHashes, Width * HashTree.HashSize);
        wire.Bytes(ref value.Mac, AesCmac.Size);
        wire.UInt32s(ref value.VtpmLocations, Width);
        wire.UInt32(ref value.BootConfigurationsNext);
    }
}
