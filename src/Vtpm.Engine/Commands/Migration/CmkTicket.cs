using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Migration;

/// <summary>What a TPM keeps outside about certified migration keys and their authorities: HMACs with tpmProof (Part 2 §5.19 to §5.21).</summary>
internal static class CmkTicket
{
    /// <summary>The owner's approval of a list of authorities (Part 3 §11.6).</summary>
    public static TpmDigest Approval(CommandContext tpm, in TpmDigest msaDigest) =>
        tpm.ProofHmac(WireFormat.ToBytes(new TpmCmkMAApproval { MigrationAuthorityDigest = msaDigest }));

    /// <summary>The migrationAuth of a certified migration key: binds it to its authorities (Part 3 §11.7 action 17e).</summary>
    public static TpmDigest MigrationAuth(CommandContext tpm, in TpmDigest msaDigest, in TpmDigest pubKeyDigest) =>
        tpm.ProofHmac(WireFormat.ToBytes(new TpmCmkMigAuth { MsaDigest = msaDigest, PubKeyDigest = pubKeyDigest }));

    /// <summary>Says that this TPM has verified a signature (Part 3 §11.8).</summary>
    public static TpmDigest Signature(CommandContext tpm, in TpmDigest verKeyDigest, in TpmDigest signedData) =>
        tpm.ProofHmac(WireFormat.ToBytes(new TpmCmkSigTicket { VerKeyDigest = verKeyDigest, SignedData = signedData }));

    /// <summary>Whether the ticket says that one of the authorities has signed the data (Part 3 §11.9 action 9a i, §11.10 action 11).</summary>
    public static bool IsSignedByOneOf(CommandContext tpm, in TpmMsaComposite authorities, in TpmDigest signedData, in TpmDigest sigTicket)
    {
        bool isSigned = false;
        foreach (TpmDigest authority in authorities.MigAuthDigest) isSigned |= Signature(tpm, authority, signedData).FixedTimeEquals(sigTicket);
        return isSigned;
    }
}
