using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>The authorization block behind a command's parameters: authHandle, nonceOdd, continueAuthSession, the HMAC (Part 1 §13.2).</summary>
internal struct AuthBlockWire : IWireStructure<AuthBlockWire>
{
    public const int RequestSize = 45;
    public const int ResponseSize = 41;

    public uint AuthHandle;
    public TpmNonce NonceOdd;
    public bool ContinueAuthSession;
    public TpmAuthData Auth;

    public static void Describe<TCodec>(ref TCodec wire, ref AuthBlockWire value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.AuthHandle);
        TpmNonce.Describe(ref wire, ref value.NonceOdd);
        wire.Bool(ref value.ContinueAuthSession);
        TpmAuthData.Describe(ref wire, ref value.Auth);
    }
}

/// <summary>A session as one command uses it.</summary>
public sealed class AuthBlock
{
    private readonly AuthBlockWire _wire;

    internal AuthBlock(in AuthBlockWire wire, AuthSession session)
    {
        _wire = wire;
        Session = session;
        Continue = wire.ContinueAuthSession;
    }

    public AuthSession Session { get; }

    public TpmNonce NonceOdd => _wire.NonceOdd;

    /// <summary>Whether the session outlives the command: as the caller asked, unless the command ends it.</summary>
    public bool Continue { get; set; }

    /// <summary>The key of the response's HMAC: the one that authorized the request, unless the command names another.</summary>
    public Secret? ResponseKey { get; set; }

    /// <summary>nonceEven of the response, where the command has needed it already; otherwise it is drawn when the response is made.</summary>
    public TpmNonce? NextNonceEven { get; set; }

    public bool Verified { get; private set; }

    /// <summary>Compares the HMAC of the request under <paramref name="key"/>, in constant time.</summary>
    internal bool Verify(ReadOnlySpan<byte> key, in TpmDigest inParamDigest)
    {
        Span<byte> expected = stackalloc byte[TpmDigest.Size];
        Hmac(key, inParamDigest, Session.NonceEven, _wire.NonceOdd, _wire.ContinueAuthSession, expected);
        Verified = CryptographicOperations.FixedTimeEquals(expected, _wire.Auth.ReadOnlySpan);
        return Verified;
    }

    /// <summary>HMAC(key, paramDigest || nonceEven || nonceOdd || continueAuthSession), Part 1 §25.</summary>
    internal static void Hmac(
        ReadOnlySpan<byte> key, in TpmDigest paramDigest, in TpmNonce nonceEven, in TpmNonce nonceOdd, bool continueSession, Span<byte> hmac)
    {
        Span<byte> input = stackalloc byte[TpmDigest.Size + 2 * TpmNonce.Size + 1];
        paramDigest.ReadOnlySpan.CopyTo(input);
        nonceEven.ReadOnlySpan.CopyTo(input[TpmDigest.Size..]);
        nonceOdd.ReadOnlySpan.CopyTo(input[(TpmDigest.Size + TpmNonce.Size)..]);
        input[^1] = continueSession ? (byte)1 : (byte)0;
        HMACSHA1.HashData(key, input, hmac);
    }
}
