using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>An <see cref="NvArea"/> in the state file.</summary>
internal struct NvAreaImage : IWireStructure<NvAreaImage>
{
    public uint Index;
    public TpmPcrInfoShort PcrInfoRead;
    public TpmPcrInfoShort PcrInfoWrite;
    public TpmNvPermission Permission;
    public bool WriteDefine;
    public Secret? Auth;
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref NvAreaImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Index);
        wire.Structure(ref value.PcrInfoRead);
        wire.Structure(ref value.PcrInfoWrite);
        wire.Enum(ref value.Permission);
        wire.Bool(ref value.WriteDefine);
        wire.Secret(ref value.Auth);
        wire.Sized32(ref value.Data);
    }

    public static NvAreaImage Of(NvArea area) => new()
    {
        Index = area.Index,
        PcrInfoRead = area.PcrInfoRead,
        PcrInfoWrite = area.PcrInfoWrite,
        Permission = area.Permission,
        WriteDefine = area.WriteDefine,
        Auth = area.Auth,
        Data = area.Data,
    };

    /// <exception cref="StateFormatException">It has no secret: the state is damaged.</exception>
    public readonly NvArea ToArea() => new()
    {
        Index = Index,
        PcrInfoRead = PcrInfoRead,
        PcrInfoWrite = PcrInfoWrite,
        Permission = Permission,
        WriteDefine = WriteDefine,
        Auth = Auth ?? throw new StateFormatException($"the NV area 0x{Index:x8} in the TPM's state has no secret"),
        Data = Data,
    };
}
