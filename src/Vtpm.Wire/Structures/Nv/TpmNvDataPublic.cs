namespace Vtpm.Wire;

/// <summary><c>TPM_NV_DATA_PUBLIC</c>, Part 2 §19.3: the public description of an NV area.</summary>
public struct TpmNvDataPublic : IWireStructure<TpmNvDataPublic>
{
    public uint NvIndex;
    public TpmPcrInfoShort PcrInfoRead;
    public TpmPcrInfoShort PcrInfoWrite;
    public TpmNvAttributes Permission;
    public bool BReadStClear;
    public bool BWriteStClear;
    public bool BWriteDefine;
    public uint DataSize;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmNvDataPublic value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.NvDataPublic);
        wire.UInt32(ref value.NvIndex);
        wire.Structure(ref value.PcrInfoRead);
        wire.Structure(ref value.PcrInfoWrite);
        wire.Structure(ref value.Permission);
        wire.Bool(ref value.BReadStClear);
        wire.Bool(ref value.BWriteStClear);
        wire.Bool(ref value.BWriteDefine);
        wire.UInt32(ref value.DataSize);
    }
}
