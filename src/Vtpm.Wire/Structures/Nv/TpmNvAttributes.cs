namespace Vtpm.Wire;

/// <summary><c>TPM_NV_ATTRIBUTES</c>, Part 2 §19.2: who may read and write an NV area, and how.</summary>
public struct TpmNvAttributes : IWireStructure<TpmNvAttributes>
{
    public TpmNvPermission Attributes;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmNvAttributes value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.NvAttributes);
        wire.Enum(ref value.Attributes);
    }
}
