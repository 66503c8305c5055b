using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Which of the two nonces of a session new authorization data is encrypted with (Part 1 §14, ADIP).</summary>
public enum AdipNonce
{
    /// <summary>authLastNonceEven: the first value of a command, or its only one.</summary>
    Even,

    /// <summary>nonceOdd: the second value of a command.</summary>
    Odd,
}

/// <content>Authorization: called by a command where its action list says so.</content>
public sealed partial class CommandContext
{
    private int _authorizations;

    /// <summary>
    /// What the HMACs of the request are over: SHA-1(ordinal || parameters behind the handles), Part 1 §25. TPM_ExecuteTransport puts another one in
    /// its place, for which it must look into the command that it brings.
    /// </summary>
    public TpmDigest InParamDigest { get; set; }

    /// <summary>The same of the response, where it is not that of the parameters.</summary>
    public TpmDigest? OutParamDigest { get; set; }

    /// <summary>The blocks that the command brought, in their order.</summary>
    public IReadOnlyList<AuthBlock> Auths { get; }

    internal bool AllVerified
    {
        get
        {
            foreach (AuthBlock auth in Auths)
            {
                if (!auth.Verified) return false;
            }

            return true;
        }
    }

    /// <summary>
    /// The block that the next authorization of this command will use. A command that normally has two sessions and brings one uses it for the
    /// second (Part 1 §13 rule 7): the first authorization then has none.
    /// </summary>
    public AuthBlock? NextAuth
    {
        get
        {
            int index = _authorizations - (Command.Traits.MaxSessions - Auths.Count);
            return index >= 0 && index < Auths.Count ? Auths[index] : null;
        }
    }

    /// <summary>Authorizes the TPM owner: by its secret, or by a delegation (Part 1 §13, §29; Part 3 §18.1.1 action 4a).</summary>
    public TpmResult AuthorizeOwner()
    {
        if (PermanentData.OwnerAuth is not { } ownerAuth) return TpmResult.AuthFail;
        bool isOiap = NextAuth?.Session.Protocol == TpmProtocolId.Oiap;
        if (!isOiap || !TryFindOwnerReference(out DelegateRow? row)) return Authorize(AuthEntity.Owner, ownerAuth);
        if (row is null) return TpmResult.BadIndex;
        if (CheckDelegation(row.Pub, AuthEntity.Owner).Failed(out TpmResult notDelegated)) return notDelegated;
        OwnerDelegation = row.Pub;
        return Authorize(AuthEntity.Owner, row.AuthValue);
    }

    /// <summary>
    /// Verifies that the next session proves knowledge of <paramref name="secret"/>, which is that of <paramref name="entity"/>: directly for OIAP,
    /// by the session's shared secret for an OSAP or DSAP session that is bound to the same entity.
    /// </summary>
    /// <returns>TPM_SUCCESS, TPM_AUTHFAIL or TPM_AUTH2FAIL, or TPM_DEFEND_LOCK_RUNNING without having looked.</returns>
    public TpmResult Authorize(in AuthEntity entity, Secret secret)
    {
        AuthBlock? auth = NextAuth;
        _authorizations++;
        if (auth is null) return TpmResult.AuthFail;
        TpmResult failure = Auths.Count == 2 && auth == Auths[1] ? TpmResult.Auth2Fail : TpmResult.AuthFail;
        if (IsLockedOut) return TpmResult.DefendLockRunning;

        AuthSession session = auth.Session;
        Secret key = secret;
        if (session.Protocol != TpmProtocolId.Oiap)
        {
            // Nothing was compared: a session of another entity is a slip, and no guess.
            if (session.SharedSecret is null || session.Entity != entity) return failure;
            if (session.Delegation is { } delegation)
            {
                if (CheckDelegation(delegation, entity).Failed(out TpmResult notDelegated)) return notDelegated;
                if (entity == AuthEntity.Owner) OwnerDelegation = delegation;
            }

            key = session.SharedSecret;
        }

        if (!auth.Verify(key.Span, InParamDigest)) return Fail(failure);
        auth.ResponseKey = key;
        return TpmResult.Success;
    }

    /// <summary>
    /// Verifies that the next session proves knowledge of a secret that the command itself brings: no guess at anything of the TPM's, so that it is
    /// neither counted nor refused while the TPM defends itself against guessing.
    /// </summary>
    public TpmResult AuthorizeNew(Secret secret)
    {
        AuthBlock? auth = NextAuth;
        _authorizations++;
        if (auth is null || !auth.Verify(secret.Span, InParamDigest)) return TpmResult.AuthFail;
        auth.ResponseKey = secret;
        return TpmResult.Success;
    }

    /// <summary>
    /// Decrypts authorization data that came in the first session of the command (Part 1 §14), and ends that session as ADIP demands
    /// (Part 3 §18.2 action 14c).
    /// </summary>
    /// <returns>TPM_BAD_MODE when the session has no shared secret: it is no OSAP or DSAP session.</returns>
    public TpmResult DecryptAuth(in TpmAuthData encAuth, AdipNonce which, out Secret auth)
    {
        auth = null!;
        return Auths.Count == 0 ? TpmResult.BadMode : DecryptAuth(Auths[0], encAuth, which, out auth);
    }

    /// <summary>The same, for authorization data that came in another session than the first.</summary>
    public TpmResult DecryptAuth(AuthBlock block, in TpmAuthData encAuth, AdipNonce which, out Secret auth)
    {
        auth = null!;
        if (block.Session.SharedSecret is not { } sharedSecret) return TpmResult.BadMode;
        block.Continue = false;
        TpmNonce nonce = which == AdipNonce.Even ? block.Session.NonceEven : block.NonceOdd;
        Span<byte> plain = stackalloc byte[TpmAuthData.Size];
        encAuth.ReadOnlySpan.CopyTo(plain);
        if (block.Session.AdipScheme == TpmAdipEncScheme.Aes128Ctr) SymmetricCipher.AesCtr(sharedSecret.Span[..16], nonce.ReadOnlySpan[..16], plain);
        else SymmetricCipher.AdipXor(sharedSecret.Span, nonce.ReadOnlySpan, plain);
        auth = Scratch.Keep(new Secret(plain));
        CryptographicOperations.ZeroMemory(plain);
        return TpmResult.Success;
    }

    /// <summary>
    /// Encrypts or decrypts a parameter with the secret and the nonces of a session, in place (Part 3 §10.2 action 9, §10.7 actions 13 and 14).
    /// </summary>
    /// <returns>TPM_BAD_MODE when the session has no shared secret; TPM_INAPPROPRIATE_ENC for a scheme that this TPM does not have.</returns>
    public TpmResult CryptParameter(TpmAdipEncScheme scheme, AuthBlock auth, Span<byte> data)
    {
        if (auth.Session.SharedSecret is not { } sharedSecret) return TpmResult.BadMode;
        Span<byte> seed = Scratch.Allocate(2 * TpmNonce.Size + 3 + sharedSecret.Length);
        auth.Session.NonceEven.ReadOnlySpan.CopyTo(seed);
        auth.NonceOdd.ReadOnlySpan.CopyTo(seed[TpmNonce.Size..]);
        switch (scheme)
        {
            case TpmAdipEncScheme.Xor:
                "XOR"u8.CopyTo(seed[(2 * TpmNonce.Size)..]);
                sharedSecret.Span.CopyTo(seed[(2 * TpmNonce.Size + 3)..]);
                SymmetricCipher.Mgf1Xor(seed, data);
                return TpmResult.Success;
            case TpmAdipEncScheme.Aes128Ctr:
                TpmDigest counter = TpmDigest.Of(seed[..(2 * TpmNonce.Size)]);
                SymmetricCipher.AesCtr(sharedSecret.Span[..16], counter.ReadOnlySpan[..16], data);
                return TpmResult.Success;
            default:
                return TpmResult.InappropriateEnc;
        }
    }

    /// <summary>Ends every session that is bound to <paramref name="entity"/>: it is gone or has another secret (Part 3 §18.2 action 14).</summary>
    public void EndSessionsOf(AuthEntity entity)
    {
        State = State with { Sessions = State.Sessions.Without(session => session.Protocol != TpmProtocolId.Oiap && session.Entity == entity) };
        foreach (AuthBlock auth in Auths)
        {
            if (auth.Session.Protocol != TpmProtocolId.Oiap && auth.Session.Entity == entity) auth.Continue = false;
        }
    }
}
