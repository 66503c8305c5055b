using Vtpm.Engine;
using Vtpm.Engine.Commands.Migration;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Migration: the tickets of the owner, blobs, and certified migration keys.</content>
public sealed partial class TestTpm
{
    /// <summary>Makes the following keys of 2048 bits others than those of a TPM that was made in the same way.</summary>
    public TestTpm SkipKeys(int count)
    {
        for (int i = 0; i < count; i++) Engine.Platform.Rsa.Generate(2048);
        return this;
    }

    /// <summary>The public half of a loaded key.</summary>
    public TpmPubKey PubKeyOf(uint handle) => KeyOf(handle).Key.ToPubKey();

    public LoadedKey KeyOf(uint handle) => handle == TpmKeyHandle.Srk ? State.Permanent.Data.Srk! : State.Keys.Find(handle)!;

    /// <summary>TPM_AuthorizeMigrationKey by the owner.</summary>
    public TpmMigrationKeyAuth AuthorizeMigrationKey(TpmPubKey migrationKey, TpmMigrateScheme scheme)
    {
        var request = new AuthorizeMigrationKeyRequest { MigrationScheme = scheme, MigrationKey = migrationKey };
        return Send(new AuthorizeMigrationKey(), request, Oiap(OwnerAuth)).OutData;
    }

    /// <summary>TPM_CMK_ApproveMA by the owner.</summary>
    public TpmDigest ApproveMA(TpmDigest msaDigest) =>
        Send(new CmkApproveMA(), new CmkApproveMARequest { MigrationAuthorityDigest = msaDigest }, Oiap(OwnerAuth)).OutData;

    /// <summary>TPM_CMK_CreateTicket by the owner.</summary>
    public TpmDigest CreateTicket(TpmPubKey verificationKey, TpmDigest signedData, ReadOnlyMemory<byte> signature)
    {
        var request = new CmkCreateTicketRequest { VerificationKey = verificationKey, SignedData = signedData, SignatureValue = signature };
        return Send(new CmkCreateTicket(), request, Oiap(OwnerAuth)).SigTicket;
    }

    /// <summary>TPM_CMK_CreateKey under the SRK, for authorities that the owner has approved; the secret is <see cref="KeyAuth"/>.</summary>
    public TpmKey CmkCreateKey(TpmKeyUsage usage, TpmDigest msaDigest, int keyLength = 2048)
    {
        TpmDigest approval = ApproveMA(msaDigest);
        TestAuth osap = Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, WellKnown);
        var request = new CmkCreateKeyRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            DataUsageAuth = EncryptAuth(osap, KeyAuth),
            KeyInfo = CmkInfo(usage, keyLength),
            MigrationAuthorityApproval = approval,
            MigrationAuthorityDigest = msaDigest,
        };
        return Send(new CmkCreateKey(), request, osap).WrappedKey;
    }

    /// <summary>A certified migration key to be made.</summary>
    public static TpmKey CmkInfo(TpmKeyUsage usage, int keyLength = 2048) =>
        KeyInfo(usage, TpmKeyFlags.Migratable | TpmKeyFlags.MigrateAuthority, keyLength, TpmKey.Tag12);
}
