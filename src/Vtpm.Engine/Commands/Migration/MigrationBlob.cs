using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct MigrationBlobResponse : IWireStructure<MigrationBlobResponse>
{
    /// <summary>What <see cref="OutData"/> was hidden with; empty for a rewrapped key, which is not.</summary>
    public ReadOnlyMemory<byte> Random;
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref MigrationBlobResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Sized32(ref value.Random);
        wire.Sized32(ref value.OutData);
    }
}

/// <summary>
/// A key on its way to another TPM by way of somebody who must not see it: it is XORed with random bytes, which go another way, and then encrypted
/// for the destination. So that nobody can change what he does not see, an OAEP encoding is below, in which a part of the private key is the seed,
/// and in the place of the label's digest is what the key is bound to (Part 3 §11.1 action 6, §11.9 actions 11 to 17).
/// <code>
/// o1   = maskedSeed (20) || maskedDB
/// seed = K1 = TPM_STORE_PRIVKEY[0..20]
/// DB   = pHash (20) || 01 || TPM_MIGRATE_ASYMKEY with K2 = TPM_STORE_PRIVKEY[20..]
/// </code>
/// There is no leading zero byte: 198 bytes for a key of 2048 bits.
/// </summary>
internal static class MigrationBlob
{
    private const int SeedSize = TpmDigest.Size;

    /// <summary>Hides a key and encrypts it for its destination.</summary>
    /// <returns>TPM_BAD_MIGRATION when its private half is shorter than a seed, TPM_BAD_DATASIZE when it is too long for the destination.</returns>
    public static TpmResult Create(
        CommandContext tpm,
        in TpmStoreAsymKey key,
        TpmPayloadType payload,
        in TpmDigest pHash,
        in TpmPubKey destination,
        ref MigrationBlobResponse response)
    {
        if (Encode(tpm, key, payload, pHash, out byte[] encoded).Failed(out TpmResult error)) return error;
        byte[] random = new byte[encoded.Length];
        tpm.Platform.Random.Fill(random);
        Xor(encoded, random);
        response.Random = random;
        return MigrationDestination.Encrypt(tpm, destination, encoded, out response.OutData);
    }

    /// <summary>
    /// Decrypts a blob and takes the key out of its hiding: with the payload type of the migration, and with pHash as its migrationAuth. One code for
    /// whatever is wrong inside: who tries random bytes on blobs that are not his learns no more than that they were wrong.
    /// </summary>
    /// <returns>TPM_DECRYPT_ERROR; TPM_BAD_PARAMETER when there are more or fewer random bytes than were decrypted.</returns>
    public static TpmResult Open(
        CommandContext tpm, LoadedKey parent, ReadOnlyMemory<byte> blob, ReadOnlyMemory<byte> random, out TpmStoreAsymKey key)
    {
        key = default;
        if (tpm.DecryptBytes(parent, blob, out ReadOnlyMemory<byte> hidden).Failed(out TpmResult error)) return error;
        if (hidden.Length != random.Length) return BadParameter;
        byte[] encoded = tpm.CopyToScratch(hidden.Span);
        Xor(encoded, random.Span);
        return Decode(tpm, encoded, out key) ? Success : DecryptError;
    }

    /// <summary>The OAEP encoding of a key, in memory that is zeroed with the command.</summary>
    /// <returns>TPM_BAD_MIGRATION when its private half is shorter than a seed.</returns>
    public static TpmResult Encode(CommandContext tpm, in TpmStoreAsymKey key, TpmPayloadType payload, in TpmDigest pHash, out byte[] encoded)
    {
        encoded = [];
        byte[] storePrivKey = tpm.Scratch.Allocate(sizeof(uint) + key.PrivKey.Length);
        if (storePrivKey.Length < SeedSize) return BadMigration;
        BinaryPrimitives.WriteInt32BigEndian(storePrivKey, key.PrivKey.Length);
        key.PrivKey.Span.CopyTo(storePrivKey.AsSpan(sizeof(uint)));
        var migrateAsymKey = new TpmMigrateAsymKey
        {
            Payload = payload,
            UsageAuth = key.UsageAuth,
            PubDataDigest = key.PubDataDigest,
            PartPrivKey = storePrivKey.AsMemory(SeedSize),
        };
        byte[] message = WireFormat.ToBytes(migrateAsymKey, tpm.Scratch);
        encoded = tpm.Scratch.Allocate(SeedSize + TpmDigest.Size + 1 + message.Length);
        Span<byte> seed = encoded.AsSpan(0, SeedSize);
        Span<byte> db = encoded.AsSpan(SeedSize);
        storePrivKey.AsSpan(0, SeedSize).CopyTo(seed);
        pHash.ReadOnlySpan.CopyTo(db);
        db[TpmDigest.Size] = 1;
        message.CopyTo(db[(TpmDigest.Size + 1)..]);
        SymmetricCipher.Mgf1Xor(seed, db);
        SymmetricCipher.Mgf1Xor(db, seed);
        return Success;
    }

    /// <summary>Takes the key out of its encoding, with pHash as its migrationAuth. Decodes in place.</summary>
    public static bool Decode(CommandContext tpm, byte[] encoded, out TpmStoreAsymKey key)
    {
        key = default;
        if (encoded.Length <= SeedSize + TpmDigest.Size) return false;
        Span<byte> seed = encoded.AsSpan(0, SeedSize);
        Span<byte> db = encoded.AsSpan(SeedSize);
        SymmetricCipher.Mgf1Xor(db, seed);
        SymmetricCipher.Mgf1Xor(seed, db);
        ReadOnlySpan<byte> padded = db[TpmDigest.Size..].TrimStart((byte)0);
        if (padded.IsEmpty || padded[0] != 1) return false;
        if (WireFormat.Read(padded[1..], out TpmMigrateAsymKey migrateAsymKey, tpm.Scratch) != Success) return false;
        byte[] storePrivKey = tpm.Scratch.Allocate(SeedSize + migrateAsymKey.PartPrivKey.Length);
        seed.CopyTo(storePrivKey);
        migrateAsymKey.PartPrivKey.Span.CopyTo(storePrivKey.AsSpan(SeedSize));
        key = new TpmStoreAsymKey
        {
            Payload = migrateAsymKey.Payload,
            UsageAuth = migrateAsymKey.UsageAuth,
            MigrationAuth = new TpmAuthData(db[..TpmDigest.Size]),
            PubDataDigest = migrateAsymKey.PubDataDigest,
            PrivKey = storePrivKey.AsMemory(sizeof(uint)),
        };
        return BinaryPrimitives.ReadUInt32BigEndian(storePrivKey) == key.PrivKey.Length;
    }

    public static void Xor(Span<byte> data, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < data.Length; i++) data[i] ^= mask[i];
    }
}
