using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.AuthorizationChanges;

/// <summary>
/// A wrapped key (TPM_STORE_ASYMKEY) or a sealed blob (TPM_SEALED_DATA) as the commands meet it that change its secret: decrypted for a moment, and
/// encrypted again for the same parent.
/// </summary>
internal struct EncryptedEntity
{
    private bool _isKey;
    private TpmStoreAsymKey _key;
    private TpmSealedData _data;

    /// <summary>The secret that is to be changed: usageAuth of a key, authData of a sealed blob.</summary>
    public readonly TpmAuthData Auth => _isKey ? _key.UsageAuth : _data.AuthData;

    /// <summary>True for the two entity types whose secrets are in an encData.</summary>
    public static bool IsOne(ushort entityType) => entityType is (ushort)TpmEntityType.Data or (ushort)TpmEntityType.Key;

    /// <summary>Decrypts encData of a TPM_KEY or a TPM_STORED_DATA, whichever <paramref name="entityType"/> says.</summary>
    /// <returns>TPM_DECRYPT_ERROR when it is not of this parent, TPM_INVALID_STRUCTURE when it is no such entity.</returns>
    public static TpmResult Open(CommandContext tpm, LoadedKey parent, ushort entityType, ReadOnlyMemory<byte> encData, out EncryptedEntity entity)
    {
        entity = new EncryptedEntity { _isKey = entityType == (ushort)TpmEntityType.Key };
        if (tpm.DecryptBytes(parent, encData, out ReadOnlyMemory<byte> plain).Failed(out TpmResult error)) return error;
        if (entity._isKey)
        {
            return WireFormat.Read(plain.Span, out entity._key, tpm.Scratch) == Success
                && entity._key.Payload is TpmPayloadType.Asym or TpmPayloadType.MigrateRestricted or TpmPayloadType.MigrateExternal
                ? Success
                : InvalidStructure;
        }

        return WireFormat.Read(plain.Span, out entity._data, tpm.Scratch) == Success && entity._data.Payload == TpmPayloadType.Seal
            ? Success
            : InvalidStructure;
    }

    /// <summary>Encrypts the entity with another secret, and nothing else changed.</summary>
    public readonly TpmResult Close(CommandContext tpm, LoadedKey parent, Secret newAuth, out ReadOnlyMemory<byte> encData)
    {
        var auth = new TpmAuthData(newAuth.Span);
        return _isKey
            ? tpm.Encrypt(parent, _key with { UsageAuth = auth }, out encData)
            : tpm.Encrypt(parent, _data with { AuthData = auth }, out encData);
    }
}
