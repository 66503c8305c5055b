namespace Vtpm.Wire;

/// <summary><c>TPM_FAMILY_TABLE_ENTRY</c>, Part 2 §20.5: a row of the family table.</summary>
public struct TpmFamilyTableEntry : IWireStructure<TpmFamilyTableEntry>
{
    /// <summary>TPM_FAMILY_LABEL (§20.4).</summary>
    public byte FamilyLabel;
    public uint FamilyId;
    public uint VerificationCount;
    public TpmFamilyFlags Flags;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmFamilyTableEntry value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.FamilyTableEntry);
        wire.UInt8(ref value.FamilyLabel);
        wire.UInt32(ref value.FamilyId);
        wire.UInt32(ref value.VerificationCount);
        wire.Enum(ref value.Flags);
    }
}
