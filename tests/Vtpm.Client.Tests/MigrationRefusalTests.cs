using Vtpm.Client.Tests.Support;
using Vtpm.Engine.Commands.Migration;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>What is wrong with a migration has the same code in both TPMs, also where Part 3 §11 names none.</summary>
public class MigrationRefusalTests
{
    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Migration_Refusals_HaveTheSameCodes(HardwareKind kind)
    {
        using var tpm = new MigratingTpm(kind);
        TpmPubKey srk = tpm.ReadSrk();
        TpmKey key = tpm.CreateKey(MigratingTpm.BindKey());
        TpmKey cmk = tpm.CmkCreateKey(MigratingTpm.BindKey(), MigratingTpm.Authorities(srk));
        MigrationBlobResponse blob = tpm.CreateMigrationBlob(key, srk, TpmMigrateScheme.Migrate);

        Refused(TpmResult.Auth2Fail, () => tpm.CreateMigrationBlob(tpm.CreateKey(TpmKeys.Signing(TpmKeyFlags.None)), srk, TpmMigrateScheme.Migrate));
        Refused(TpmResult.BadMigration, () => tpm.CreateMigrationBlob(cmk, srk, TpmMigrateScheme.Migrate));
        Refused(TpmResult.BadParameter, () => tpm.CreateMigrationBlob(key, srk, TpmMigrateScheme.Maint));
        Refused(TpmResult.DecryptError, () => tpm.CreateMigrationBlob(key with { EncData = blob.Random }, srk, TpmMigrateScheme.Migrate));
        TpmPubKey weak = tpm.CreateKey(MigratingTpm.BindKey(1024)).ToPubKey();
        Refused(TpmResult.BadKeyProperty, () => tpm.CreateMigrationBlob(key, weak, TpmMigrateScheme.Migrate));
        TpmPubKey signing = srk with { AlgorithmParms = TpmKeys.Signing(TpmKeyFlags.None).AlgorithmParms };
        Refused(TpmResult.InappropriateEnc, () => tpm.CreateMigrationBlob(key, signing, TpmMigrateScheme.Migrate));

        Refused(TpmResult.BadParameter, () => tpm.ConvertMigrationBlob(blob with { Random = blob.Random[1..] }));
        Refused(TpmResult.DecryptError, () => tpm.ConvertMigrationBlob(blob with { Random = new byte[blob.Random.Length] }));
        Refused(TpmResult.BadMigration, () => tpm.ConvertMigrationBlob(tpm.CmkCreateBlob(cmk, MigratingTpm.Authorities(srk), srk)));

        uint storage = tpm.Load(tpm.CreateKey(TpmKeys.Storage(TpmKeyFlags.None)));
        Refused(TpmResult.InvalidKeyUsage, () => tpm.MigrateKey(storage, blob, srk));
        uint authority = tpm.Load(tpm.CreateKey(MigratingTpm.AuthorityKey));
        Refused(TpmResult.DecryptError, () => tpm.MigrateKey(authority, blob, srk));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void CertifiedMigration_Refusals_HaveTheSameCodes(HardwareKind kind)
    {
        using var tpm = new MigratingTpm(kind);
        using var signer = new SoftwareKey();
        using var stranger = new SoftwareKey();
        TpmPubKey srk = tpm.ReadSrk();
        TpmPubKey signerKey = signer.ToSigningPubKey();
        TpmMsaComposite authorities = MigratingTpm.Authorities(signerKey, WithSignatures(srk));
        TpmKey cmk = tpm.CmkCreateKey(MigratingTpm.BindKey(), authorities);
        TpmKey plain = tpm.CreateKey(MigratingTpm.BindKey());
        TpmCmkAuth allowed = MigratingTpm.Allowed(signer, srk, cmk.ToPubKey());
        TpmCmkAuth otherDestination = MigratingTpm.Allowed(signer, signerKey, cmk.ToPubKey());
        TpmCmkAuth otherSource = MigratingTpm.Allowed(signer, srk, srk);

        Refused(TpmResult.InvalidStructure, () => tpm.CmkCreateBlob(plain, authorities, srk, signer, allowed));
        Refused(TpmResult.MAAuthority, () => tpm.CmkCreateBlob(cmk, MigratingTpm.Authorities(srk), srk, signer, allowed));
        Refused(TpmResult.MATicketSignature, () => tpm.CmkCreateBlob(cmk, authorities, srk));
        Refused(TpmResult.InvalidKeyUsage, () => tpm.CmkCreateBlob(cmk, authorities, WithSignatures(srk)));
        Refused(TpmResult.MATicketSignature, () => tpm.CmkCreateBlob(cmk, authorities, srk, stranger, allowed));
        Refused(TpmResult.MADestination, () => tpm.CmkCreateBlob(cmk, authorities, srk, signer, otherDestination));
        Refused(TpmResult.MASource, () => tpm.CmkCreateBlob(cmk, authorities, srk, signer, otherSource));

        MigrationBlobResponse blob = tpm.CmkCreateBlob(cmk, authorities, srk, signer, allowed);
        MigrationBlobResponse ofPlain = tpm.CreateMigrationBlob(plain, srk, TpmMigrateScheme.Migrate);
        Refused(TpmResult.AuthFail, () => tpm.CmkConvertMigration(cmk, blob, MigratingTpm.Authorities(signerKey), signer, allowed));
        Refused(TpmResult.AuthFail, () => tpm.CmkConvertMigration(plain, ofPlain, authorities, signer, allowed));
        Refused(TpmResult.BadParameter, () => tpm.CmkConvertMigration(cmk, blob with { Random = blob.Random[1..] }, authorities, signer, allowed));
        Refused(TpmResult.MATicketSignature, () => tpm.CmkConvertMigration(cmk, blob, authorities, stranger, allowed));
        Refused(TpmResult.MADestination, () => tpm.CmkConvertMigration(cmk, blob, authorities, signer, otherDestination));
        Refused(TpmResult.MASource, () => tpm.CmkConvertMigration(cmk, blob, authorities, signer, otherSource));
        tpm.Load(tpm.CmkConvertMigration(cmk, blob, authorities, signer, allowed));
    }

    private static TpmPubKey WithSignatures(TpmPubKey key) =>
        key with { AlgorithmParms = key.AlgorithmParms with { SigScheme = TpmSigScheme.RsaSsaPkcs1V15Sha1 } };

    private static void Refused(TpmResult expected, Action command) => Assert.Equal(expected, Assert.Throws<TpmCommandException>(command).Result);
}
