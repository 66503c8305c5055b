using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>What a session or an authorization is about: the owner, a key by the digest of its public part, an NV area, a counter.</summary>
public readonly record struct AuthEntity(TpmEntityType Type, TpmDigest Digest)
{
    public static AuthEntity Owner { get; } = new(TpmEntityType.Owner, default);

    /// <summary>An entity that is known by a number: an NV index, a counter.</summary>
    public static AuthEntity Numbered(TpmEntityType type, uint number)
    {
        TpmDigest digest = default;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(digest.Span, number);
        return new AuthEntity(type, digest);
    }

    /// <summary>The number of an entity that is known by one.</summary>
    public uint Number => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(Digest.ReadOnlySpan);
}

/// <summary>An open authorization session: OIAP, OSAP or DSAP (Part 1 §13, Part 3 §18).</summary>
public sealed record AuthSession : IHandled
{
    public required uint Handle { get; init; }

    public required TpmProtocolId Protocol { get; init; }

    /// <summary>authLastNonceEven: what the next command must be authorized over.</summary>
    public required TpmNonce NonceEven { get; init; }

    /// <summary>OSAP and DSAP: the entity the session is bound to.</summary>
    public AuthEntity Entity { get; init; }

    /// <summary>OSAP and DSAP: the key of every HMAC in the session.</summary>
    public Secret? SharedSecret { get; init; }

    /// <summary>How new authorization data is encrypted on its way in.</summary>
    public TpmAdipEncScheme AdipScheme { get; init; }

    /// <summary>DSAP, or OSAP while TPM_SetOwnerPointer points to a delegation: what the delegation allows.</summary>
    public TpmDelegatePublic? Delegation { get; init; }

    public bool Equals(AuthSession? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => (int)Handle;
}
