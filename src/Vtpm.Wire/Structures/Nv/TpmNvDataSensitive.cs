namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_NV_DATA_SENSITIVE</c>, Part 2 §19.4: an NV area with its authorization and data; the data's length is the one in its public description.
/// </summary>
public struct TpmNvDataSensitive : IWireStructure<TpmNvDataSensitive>
{
    public TpmNvDataPublic PubInfo;
    public TpmAuthData AuthValue;
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmNvDataSensitive value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.NvDataSensitive);
        if (!wire.IsReading) value.PubInfo.DataSize = (uint)value.Data.Length;
        wire.Structure(ref value.PubInfo);
        wire.Structure(ref value.AuthValue);
        wire.Run(ref value.Data, (int)Math.Min(value.PubInfo.DataSize, int.MaxValue));
    }
}
