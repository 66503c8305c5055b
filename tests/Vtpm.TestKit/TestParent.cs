using Vtpm.Engine;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <summary>A TPM below that remembers what it was asked, and answers the same signature every time.</summary>
public sealed class TestParent : IParentTpm
{
    /// <summary>What it answers.</summary>
    public TpmResult Result { get; set; }

    /// <summary>256 bytes of a signature, and two digests behind them.</summary>
    public static byte[] Blob { get; } = [.. Enumerable.Range(0, 256 + 2 * TpmDigest.Size).Select(i => (byte)i)];

    public int Quotes { get; private set; }

    public TpmDigest Digest { get; private set; }

    public TpmPcrSelection Pcrs { get; private set; }

    public VtpmQuoteFlags Flags { get; private set; }

    public TpmResult Quote(in TpmDigest digest, in TpmPcrSelection pcrs, VtpmQuoteFlags flags, out VtpmGetQuoteResponse quote)
    {
        (Digest, Pcrs, Flags) = (digest, pcrs, flags);
        Quotes++;
        quote = Result == TpmResult.Success ? new VtpmGetQuoteResponse { Signature = Blob.AsMemory(0, 256), HashesAndPcrValues = Blob.AsMemory(256) } : default;
        return Result;
    }
}
