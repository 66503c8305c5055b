using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A key that the TPM can use now: in a slot, or the EK or the SRK.</summary>
public sealed record LoadedKey : IHandled
{
    public required uint Handle { get; init; }

    /// <summary>The key as it was loaded, its encData included.</summary>
    public required TpmKey Key { get; init; }

    public required Secret UsageAuth { get; init; }

    /// <summary>The migration authorization; tpmProof for a key that cannot migrate.</summary>
    public required Secret MigrationAuth { get; init; }

    public required TpmPayloadType Payload { get; init; }

    /// <summary>The first prime, which is what TPM_STORE_ASYMKEY keeps.</summary>
    public required Secret Prime { get; init; }

    public required ITpmRsaPrivateKey Rsa { get; init; }

    /// <summary>SHA-1 of the public part: what ties sessions and blobs to this key.</summary>
    public required TpmDigest PubDataDigest { get; init; }

    public PcrBinding Binding { get; init; } = PcrBinding.None;

    /// <summary>TPM_KEY_HANDLE_ENTRY parentPCRStatus: a parent was bound to PCRs.</summary>
    public bool ParentPcrStatus { get; init; }

    /// <summary>Pinned by the owner (TPM_KeyControlOwner): kept across power cycles.</summary>
    public bool OwnerEvict { get; init; }

    public TpmKeyUsage Usage => Key.KeyUsage;

    public bool IsMigratable => Key.KeyFlags.HasFlag(TpmKeyFlags.Migratable);

    /// <summary>True for TPM_KEY_STORAGE keys and others that wrap: bytes of the modulus.</summary>
    public int Size => Rsa.Size;

    /// <summary>What an authorization session is tied to when it is tied to this key.</summary>
    public AuthEntity Entity => new(TpmEntityType.KeyHandle, PubDataDigest);

    /// <summary>The public exponent; 65537 unless the parameters say otherwise.</summary>
    public uint Exponent => KeyParameters.ExponentOf(Key.AlgorithmParms);

    public bool Equals(LoadedKey? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => (int)Handle;
}
