namespace Vtpm.Wire;

/// <summary><c>TPM_DELEGATE_TABLE_ROW</c>, Part 2 §20.9: a row of the delegate table.</summary>
public struct TpmDelegateTableRow : IWireStructure<TpmDelegateTableRow>
{
    public TpmDelegatePublic Pub;
    public TpmAuthData AuthValue;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDelegateTableRow value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DelegateTableRow);
        wire.Structure(ref value.Pub);
        wire.Structure(ref value.AuthValue);
    }
}
