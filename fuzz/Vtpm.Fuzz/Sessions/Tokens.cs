using Vtpm.TestKit;

namespace Vtpm.Fuzz;

/// <summary>
/// What stands in the body of a step for bytes that only the run can tell. A token is two bytes that say that it is one, its kind, and its operands.
/// </summary>
public enum TokenKind : byte
{
    /// <summary>A piece of an answer: low byte of the ordinal, how many answers of it to go back, UINT16 offset, UINT16 length.</summary>
    Answer = 1,

    /// <summary>A nonce of the client: UINT16 number.</summary>
    Nonce = 2,

    /// <summary>A secret as ADIP encrypts it: which authorization block (and 2 for the odd nonce), then a <see cref="Secrets"/> selector.</summary>
    EncAuth = 3,

    /// <summary>The HMAC of an authorization block: a <see cref="Secrets"/> selector.</summary>
    Hmac = 4,

    /// <summary>The handle of a loaded key: how many to go back from the newest.</summary>
    Key = 5,

    /// <summary>The handle of a session: how many to go back from the newest.</summary>
    Session = 6,
}

public static class Tokens
{
    public const byte Mark0 = 0xF5;
    public const byte Mark1 = 0x5A;

    /// <summary>The mark and the kind.</summary>
    public const int HeadSize = 3;
}

/// <summary>The secrets that a client of the fuzzed TPM knows.</summary>
public static class Secrets
{
    /// <summary>The selector of a secret that follows it, in twenty bytes.</summary>
    public const byte Literal = 0xFE;

    /// <summary>The selector of the shared secret of the session.</summary>
    public const byte OfSession = 0xFF;

    public const int Size = 20;

    private static readonly byte[][] Known =
    [
        TestTpm.WellKnown, TestTpm.OwnerAuth, TestTpm.KeyAuth, TestTpm.DelegateAuth, TestTpm.CounterAuth, TestTpm.NvAuth, TestTpm.TransportAuth,
    ];

    public static IReadOnlyList<byte[]> All => Known;

    public static byte[] Of(byte selector) => Known[selector % Known.Length];

    /// <summary>The selector of a secret, with the secret where it is no known one.</summary>
    public static byte[] Select(byte[] secret)
    {
        int index = Array.FindIndex(Known, known => known.AsSpan().SequenceEqual(secret));
        return index >= 0 ? [(byte)index] : [Literal, .. secret];
    }
}
