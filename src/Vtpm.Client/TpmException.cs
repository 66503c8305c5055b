using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>A command did not do what was asked. A link that failed is a <c>TpmTransportException</c> instead.</summary>
public abstract class TpmException : Exception
{
    protected TpmException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }
}

/// <summary>The TPM answered a command with a return code that is not TPM_SUCCESS.</summary>
public class TpmCommandException(TpmOrdinal ordinal, TpmResult result)
    : TpmException(Enum.IsDefined(result) ? $"TPM_{ordinal} was answered TPM_{result} (0x{(uint)result:x})" : $"TPM_{ordinal} was answered 0x{(uint)result:x}")
{
    public TpmOrdinal Ordinal { get; } = ordinal;

    public TpmResult Result { get; } = result;

    internal static TpmCommandException From(TpmOrdinal ordinal, TpmResult result) =>
        IsBusy(result) ? new TpmBusyException(ordinal, result) : new TpmCommandException(ordinal, result);

    // Part 2 §16, TPM_NON_FATAL: the command was well, the moment was not.
    private static bool IsBusy(TpmResult result) => (uint)result >> 8 == (uint)TpmResult.Retry >> 8;
}

/// <summary>
/// The TPM cannot execute the command now: TPM_RETRY, TPM_DOING_SELFTEST (ask again), TPM_NEEDS_SELFTEST (run TPM_ContinueSelfTest first) or
/// TPM_DEFEND_LOCK_RUNNING (too many failed authorizations: wait until the TPM has calmed down).
/// </summary>
public sealed class TpmBusyException(TpmOrdinal ordinal, TpmResult result) : TpmCommandException(ordinal, result);

/// <summary>The response's HMAC is not the TPM's: whoever answered does not know the secret, or the response was changed on its way.</summary>
public sealed class TpmIntegrityException(TpmOrdinal ordinal, string what)
    : TpmException($"the response to TPM_{ordinal} does not come from the TPM, or was changed on its way: {what}")
{
    public TpmOrdinal Ordinal { get; } = ordinal;
}

/// <summary>The response is not one that a TPM 1.2 gives to this command.</summary>
public sealed class TpmProtocolException(TpmOrdinal ordinal, string what)
    : TpmException($"the response to TPM_{ordinal} is malformed: {what}; is that a TPM 1.2?")
{
    public TpmOrdinal Ordinal { get; } = ordinal;
}
