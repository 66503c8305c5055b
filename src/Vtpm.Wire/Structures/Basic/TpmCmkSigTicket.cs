namespace Vtpm.Wire;

/// <summary><c>TPM_CMK_SIGTICKET</c>, Part 2 §5.20: what the ticket for a verified signature is computed over.</summary>
public struct TpmCmkSigTicket : IWireStructure<TpmCmkSigTicket>
{
    public TpmDigest VerKeyDigest;
    public TpmDigest SignedData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmCmkSigTicket value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.CmkSigTicket);
        wire.Structure(ref value.VerKeyDigest);
        wire.Structure(ref value.SignedData);
    }
}
