using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>The plaintext of a root's sealed data (84 bytes): the keys of the whole image.</summary>
internal struct SealedRoot : IWireStructure<SealedRoot>
{
    public byte[] Magic;
    public Guid ManagerUuid;
    public uint NvramSlot;
    public TpmAuthData NvramAuth;
    public uint CounterIndex;
    public TpmAuthData CounterAuth;
    public byte[] Key;

    public static ReadOnlySpan<byte> ExpectedMagic => "Root"u8;

    public static void Describe<TCodec>(ref TCodec wire, ref SealedRoot value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Bytes(ref value.Magic, ExpectedMagic.Length);
        wire.Uuid(ref value.ManagerUuid);
        wire.UInt32(ref value.NvramSlot);
        wire.Structure(ref value.NvramAuth);
        wire.UInt32(ref value.CounterIndex);
        wire.Structure(ref value.CounterAuth);
        wire.Bytes(ref value.Key, AesCmac.Size);
    }
}

/// <summary>The plaintext of a group's sealed data (72 bytes).</summary>
internal struct SealedGroup : IWireStructure<SealedGroup>
{
    public byte[] Magic;
    public Guid ManagerUuid;
    public byte[] AikAuth;
    public byte[] GroupKey;
    public byte[] RollbackMacKey;

    public static ReadOnlySpan<byte> ExpectedMagic => "TGrp"u8;

    public static void Describe<TCodec>(ref TCodec wire, ref SealedGroup value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Bytes(ref value.Magic, ExpectedMagic.Length);
        wire.Uuid(ref value.ManagerUuid);
        wire.Bytes(ref value.AikAuth, TpmAuthData.Size);
        wire.Bytes(ref value.GroupKey, AesCmac.Size);
        wire.Bytes(ref value.RollbackMacKey, AesCmac.Size);
    }
}
