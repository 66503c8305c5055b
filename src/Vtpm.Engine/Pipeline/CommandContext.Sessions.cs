using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Opening authorization sessions.</content>
public sealed partial class CommandContext
{
    /// <summary>Opens a session under a handle of its own: <paramref name="preferred"/>, when it is given and free.</summary>
    /// <returns>TPM_RESOURCES when no more can be open.</returns>
    public TpmResult OpenSession(AuthSession session, out uint handle, uint? preferred = null)
    {
        handle = 0;
        if (State.Sessions.Count >= Platform.Profile.AuthSessions) return TpmResult.Resources;
        handle = NewHandle(State.Sessions, TpmResourceType.Auth, preferred);
        State = State with { Sessions = State.Sessions.Add(session with { Handle = handle }) };
        return TpmResult.Success;
    }

    /// <summary>The secret of an OSAP or DSAP session: HMAC(entity's secret, nonceEvenOSAP || nonceOddOSAP), Part 1 §13.3.</summary>
    public static Secret SharedSecret(Secret entitySecret, in TpmNonce nonceEvenOsap, in TpmNonce nonceOddOsap)
    {
        Span<byte> nonces = stackalloc byte[2 * TpmNonce.Size];
        Span<byte> hmac = stackalloc byte[TpmDigest.Size];
        nonceEvenOsap.ReadOnlySpan.CopyTo(nonces);
        nonceOddOsap.ReadOnlySpan.CopyTo(nonces[TpmNonce.Size..]);
        HMACSHA1.HashData(entitySecret.Span, nonces, hmac);
        var secret = new Secret(hmac);
        CryptographicOperations.ZeroMemory(hmac);
        return secret;
    }
}
