using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <content>Keys that go to another parent, in one TPM: from the SRK to a key under it.</content>
public static partial class Corpus
{
    private static void Migrate(TestTpm tpm)
    {
        uint parent = tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        uint ma = tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Migrate), TestTpm.KeyAuth);
        TpmKey key = tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth);
        foreach ((uint destination, TpmMigrateScheme scheme) in (ReadOnlySpan<(uint, TpmMigrateScheme)>)
            [
                (parent, TpmMigrateScheme.Rewrap), (ma, TpmMigrateScheme.Migrate),
            ])
        {
            var authorize = new AuthorizeMigrationKeyRequest { MigrationScheme = scheme, MigrationKey = tpm.PubKeyOf(destination) };
            TpmMigrationKeyAuth ticket = tpm.Send(new AuthorizeMigrationKey(), authorize, Owner(tpm)).OutData;
            var create = new CreateMigrationBlobRequest
            {
                ParentHandle = TpmKeyHandle.Srk, MigrationType = scheme, MigrationKeyAuth = ticket, EncData = key.EncData,
            };
            MigrationBlobResponse blob = tpm.Send(new CreateMigrationBlob(), create, Srk(tpm), Key(tpm));
            if (scheme == TpmMigrateScheme.Rewrap) continue;
            var migrate = new MigrateKeyRequest { MaKeyHandle = ma, PubKey = tpm.PubKeyOf(parent), InData = blob.OutData };
            ReadOnlyMemory<byte> migrated = tpm.Send(new MigrateKey(), migrate, Key(tpm)).OutData;
            var convert = new ConvertMigrationBlobRequest { ParentHandle = parent, InData = migrated, Random = blob.Random };
            tpm.Send(new ConvertMigrationBlob(), convert, Key(tpm));
        }
    }

    private static void MigrateCertified(TestTpm tpm)
    {
        uint parent = tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        uint signer = tpm.LoadWrapped(TpmKeyUsage.Signing);
        uint ma = tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Migrate), TestTpm.KeyAuth);
        TpmMsaComposite authorities = new() { MigAuthDigest = [WireFormat.Digest(tpm.PubKeyOf(signer)), WireFormat.Digest(tpm.PubKeyOf(ma))] };
        tpm.Send(new CmkSetRestrictions(), new CmkSetRestrictionsRequest { Restriction = TpmCmkDelegate.Signing }, Owner(tpm));
        TpmKey key = tpm.CmkCreateKey(TpmKeyUsage.Signing, WireFormat.Digest(authorities));
        var restrictTicket = new TpmCmkAuth
        {
            MigrationAuthorityDigest = authorities.MigAuthDigest[0],
            DestinationKeyDigest = WireFormat.Digest(tpm.PubKeyOf(parent)),
            SourceKeyDigest = WireFormat.Digest(key.ToPubKey()),
        };
        TpmDigest signed = WireFormat.Digest(restrictTicket);
        ReadOnlyMemory<byte> signature = tpm.Send(
            new Sign(), new SignRequest { KeyHandle = signer, AreaToSign = signed.ReadOnlySpan.ToArray() }, Key(tpm)).Sig;
        TpmDigest sigTicket = tpm.CreateTicket(tpm.PubKeyOf(signer), signed, signature);
        var create = new CmkCreateBlobRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            MigrationType = TpmMigrateScheme.RestrictMigrate,
            MigrationKeyAuth = tpm.AuthorizeMigrationKey(tpm.PubKeyOf(ma), TpmMigrateScheme.RestrictMigrate),
            PubSourceKeyDigest = restrictTicket.SourceKeyDigest,
            MsaList = authorities,
            EncData = key.EncData,
        };
        tpm.Send(new CmkCreateBlob(), create, Srk(tpm));
        create.MigrationType = TpmMigrateScheme.RestrictApprove;
        create.MigrationKeyAuth = tpm.AuthorizeMigrationKey(tpm.PubKeyOf(parent), TpmMigrateScheme.RestrictApprove);
        (create.RestrictTicket, create.SigTicket) = (WireFormat.ToBytes(restrictTicket), sigTicket.ReadOnlySpan.ToArray());
        MigrationBlobResponse blob = tpm.Send(new CmkCreateBlob(), create, Srk(tpm));
        var convert = new CmkConvertMigrationRequest
        {
            ParentHandle = parent,
            RestrictTicket = restrictTicket,
            SigTicket = sigTicket,
            MigratedKey = key with { EncData = blob.OutData },
            MsaList = authorities,
            Random = blob.Random,
        };
        tpm.Send(new CmkConvertMigration(), convert, Key(tpm));
    }
}
