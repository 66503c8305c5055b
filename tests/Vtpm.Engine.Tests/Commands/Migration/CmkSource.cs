using System.Security.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Commands.Migration;

/// <summary>A certified migration key, and its authorities: an unknown one, a signer, the destination of <see cref="MigrationSource"/>.</summary>
public sealed class CmkSource
{
    public CmkSource(int keyLength = 2048)
    {
        Signer = MigrationSource.PubKey(new FixedRsa().Generate(1024).Modulus, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Sha1);
        Authorities = ListOf(TpmDigest.AllOnes, KeyDigest(Signer), KeyDigest(Source.Destination));
        Key = Tpm.CmkCreateKey(TpmKeyUsage.Signing, MsaDigest(Authorities), keyLength);
    }

    public MigrationSource Source { get; } = new();

    public TestTpm Tpm => Source.Tpm;

    public TpmPubKey Signer { get; }

    public TpmMsaComposite Authorities { get; }

    public TpmKey Key { get; }

    public static TpmMsaComposite ListOf(params TpmDigest[] digests) => new() { MigAuthDigest = digests };

    public static TpmDigest KeyDigest(TpmPubKey key) => new(MigrationSource.DigestOf(key));

    public static TpmDigest MsaDigest(TpmMsaComposite list) => new(
        Witness.Sha1([0, 0, 0, (byte)list.MigAuthDigest.Length, .. list.MigAuthDigest.SelectMany(digest => digest.ReadOnlySpan.ToArray())]));

    /// <summary>What a TPM makes the migrationAuth of.</summary>
    public static byte[] MigAuth(TpmMsaComposite list, TpmPubKey key) =>
        [0, 0x33, .. MsaDigest(list).ReadOnlySpan, .. KeyDigest(key).ReadOnlySpan];

    /// <summary>HMAC with the tpmProof of a TPM.</summary>
    public static byte[] Hmac(TestTpm tpm, byte[] bytes) => HMACSHA1.HashData(tpm.State.Permanent.Data.TpmProof.Span, bytes);

    /// <summary>TPM_CMK_AUTH: the signer's word for a destination.</summary>
    public byte[] RestrictTicket(TpmPubKey destination, TpmPubKey? source = null) =>
        [.. KeyDigest(Signer).ReadOnlySpan, .. KeyDigest(destination).ReadOnlySpan, .. KeyDigest(source ?? Key.ToPubKey()).ReadOnlySpan];

    /// <summary>The ticket of a TPM's owner that the signer has signed.</summary>
    public TpmDigest SigTicket(TestTpm tpm, byte[] restrictTicket)
    {
        byte[] digest = SHA1.HashData(restrictTicket);
        return tpm.CreateTicket(Signer, new TpmDigest(digest), Witness.Sign(Signer.PubKey.Key, digest));
    }

    /// <summary>The key for an authority.</summary>
    public CmkCreateBlobRequest ToAuthority(TpmPubKey? destination = null) =>
        Request(destination ?? Source.Destination, TpmMigrateScheme.RestrictMigrate);

    /// <summary>The key for where the signer allows.</summary>
    public CmkCreateBlobRequest ToApproved(TpmPubKey destination)
    {
        byte[] restrictTicket = RestrictTicket(destination);
        return Request(destination, TpmMigrateScheme.RestrictApprove) with
        {
            RestrictTicket = restrictTicket,
            SigTicket = SigTicket(Tpm, restrictTicket).ReadOnlySpan.ToArray(),
        };
    }

    public CmkCreateBlobRequest Request(TpmPubKey destination, TpmMigrateScheme scheme) => new()
    {
        ParentHandle = TpmKeyHandle.Srk,
        MigrationType = scheme,
        MigrationKeyAuth = Tpm.AuthorizeMigrationKey(destination, scheme),
        PubSourceKeyDigest = KeyDigest(Key.ToPubKey()),
        MsaList = Authorities,
        EncData = Key.EncData,
    };
}
