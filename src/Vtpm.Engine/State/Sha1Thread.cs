using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// The one SHA-1 calculation that software can have running in the TPM (Part 3 §13.1-§13.4). Immutable: data go into a copy, so that a command whose
/// state is dropped has hashed nothing. Of what was hashed only the 20 bytes that SHA-1 chains are kept, however much it was.
/// </summary>
public sealed class Sha1Thread
{
    /// <summary>Bytes of a block: what TPM_SHA1Update takes multiples of, and TPM_SHA1Complete one at the most.</summary>
    public const int BlockSize = 64;

    private readonly IncrementalHash _hash;

    private Sha1Thread(IncrementalHash hash) => _hash = hash;

    public static Sha1Thread Start() => new(IncrementalHash.CreateHash(HashAlgorithmName.SHA1));

    /// <summary>The thread after <paramref name="data"/>.</summary>
    public Sha1Thread Append(ReadOnlySpan<byte> data)
    {
        IncrementalHash hash = _hash.Clone();
        hash.AppendData(data);
        return new(hash);
    }

    /// <summary>The digest of all that was hashed and of <paramref name="last"/>.</summary>
    public TpmDigest Complete(ReadOnlySpan<byte> last)
    {
        using IncrementalHash hash = _hash.Clone();
        hash.AppendData(last);
        TpmDigest digest = default;
        hash.GetCurrentHash(digest.Span);
        return digest;
    }
}
