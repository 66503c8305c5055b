using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <summary>A session as its owner sees it: the handle, the nonce that rolls, and the key of the HMACs.</summary>
public sealed class TestAuth
{
    public required uint Handle { get; init; }

    /// <summary>nonceEven of the last answer.</summary>
    public TpmNonce NonceEven { get; set; }

    /// <summary>nonceOdd of the next command.</summary>
    public TpmNonce NonceOdd { get; set; }

    /// <summary>The entity's secret (OIAP) or the session's (OSAP, DSAP).</summary>
    public required byte[] Key { get; set; }

    /// <summary>The key that the answer must be made with, where it is another than that of the command.</summary>
    public byte[]? ResponseKey { get; set; }

    public bool Continue { get; set; }

    /// <summary>What the answer said: whether the session goes on.</summary>
    public bool GoesOn { get; internal set; } = true;
}
