namespace Vtpm.Wire;

/// <summary><c>TPM_CMK_MIGAUTH</c>, Part 2 §5.19: what the migration authorization of a certified migration key is computed over.</summary>
public struct TpmCmkMigAuth : IWireStructure<TpmCmkMigAuth>
{
    public TpmDigest MsaDigest;
    public TpmDigest PubKeyDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCmkMigAuth value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.CmkMigAuth);
        wire.Structure(ref value.MsaDigest);
        wire.Structure(ref value.PubKeyDigest);
    }
}
