using System.Security.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Commands.Migration;

/// <summary>A TPM with an owner, and a public key that its keys may migrate to, whose private half is in the test vectors.</summary>
public sealed class MigrationSource
{
    public static readonly byte[] UsageAuth = SHA1.HashData("usage"u8);
    public static readonly byte[] MigrationAuth = SHA1.HashData("migration"u8);

    public MigrationSource()
    {
        var rsa = new FixedRsa();
        for (int i = 0; i < 11; i++) rsa.Generate(2048);
        Destination = PubKey(rsa.Generate(2048).Modulus);
        SrkModulus = Tpm.TakeOwnership().PubKey.Key;
    }

    public TestTpm Tpm { get; } = new();

    public ReadOnlyMemory<byte> SrkModulus { get; }

    public TpmPubKey Destination { get; }

    public byte[] TpmProof => Tpm.State.Permanent.Data.TpmProof.Span.ToArray();

    public static TpmPubKey PubKey(
        ReadOnlyMemory<byte> modulus,
        TpmEncScheme enc = TpmEncScheme.RsaesOaepSha1Mgf1,
        TpmSigScheme sig = TpmSigScheme.None,
        byte[]? exponent = null) => new()
    {
        AlgorithmParms = TestTpm.RsaParms(modulus.Length * 8, enc, sig, exponent),
        PubKey = new TpmStorePubKey { Key = modulus },
    };

    /// <summary>A wrapped key of the SRK that can migrate.</summary>
    public TpmKey NewKey(TpmKeyUsage usage = TpmKeyUsage.Signing, int keyLength = 2048) =>
        Tpm.CreateWrapKey(TestTpm.KeyInfo(usage, TpmKeyFlags.Migratable, keyLength), UsageAuth, MigrationAuth);

    public CreateMigrationBlobRequest BlobRequest(ReadOnlyMemory<byte> encData, TpmMigrateScheme scheme = TpmMigrateScheme.Migrate) => new()
    {
        ParentHandle = TpmKeyHandle.Srk,
        MigrationType = scheme,
        MigrationKeyAuth = Tpm.AuthorizeMigrationKey(Destination, scheme),
        EncData = encData,
    };

    /// <summary>SHA-1 of a structure, made without the engine.</summary>
    public static byte[] DigestOf<T>(T structure)
        where T : struct, IWireStructure<T> => SHA1.HashData(WireFormat.ToBytes(structure));
}
