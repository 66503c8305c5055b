namespace Vtpm.Wire;

/// <summary><c>TPM_CMK_MA_APPROVAL</c>, Part 2 §5.21: what the owner's approval of migration authorities is computed over.</summary>
public struct TpmCmkMAApproval : IWireStructure<TpmCmkMAApproval>
{
    public TpmDigest MigrationAuthorityDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCmkMAApproval value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.CmkMAApproval);
        wire.Structure(ref value.MigrationAuthorityDigest);
    }
}
