namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_CMK_AUTH</c>, Part 2 §5.16: a migration authority's approval of a destination for a key; its digest is what the authority signs.
/// </summary>
public struct TpmCmkAuth : IWireStructure<TpmCmkAuth>
{
    public TpmDigest MigrationAuthorityDigest;
    public TpmDigest DestinationKeyDigest;
    public TpmDigest SourceKeyDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCmkAuth value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.MigrationAuthorityDigest);
        wire.Structure(ref value.DestinationKeyDigest);
        wire.Structure(ref value.SourceKeyDigest);
    }
}
