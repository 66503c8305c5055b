namespace Vtpm.Client;

/// <summary>The TPM answered a command of TPM 2.0 with a response code that is not TPM_RC_SUCCESS, and no patience helped.</summary>
public sealed class Tpm2CommandException(TpmCc command, TpmRc code)
    : TpmException($"TPM2_{command} was answered {Describe(code)}")
{
    public TpmCc Command { get; } = command;

    /// <summary>As the TPM has it, with the number of the handle, session or parameter.</summary>
    public TpmRc Code { get; } = code;

    /// <summary>Without that number.</summary>
    public TpmRc Result { get; } = code.Base();

    /// <summary>An authorization value is wrong.</summary>
    public bool IsWrongAuth => Result is TpmRc.BadAuth or TpmRc.AuthFail;

    /// <summary>The command was well and the moment was not; of being locked out by wrong guesses, a TPM recovers too.</summary>
    public bool IsBusy => Result.IsBusy() || Result == TpmRc.Lockout;

    /// <summary>Others, or leftovers of ours, have the TPM's few slots.</summary>
    public bool IsFull => Result
        is TpmRc.ObjectMemory or TpmRc.SessionMemory or TpmRc.Memory or TpmRc.SessionHandles or TpmRc.ObjectHandles or TpmRc.ContextGap;

    /// <summary>What a handle named is gone: the TPM was reset, or somebody has flushed or evicted it.</summary>
    public bool IsLost => Result is TpmRc.Handle or (>= TpmRc.ReferenceH0 and < TpmRc.NvRate);

    /// <summary>What was given is wrong, and not the moment: a format-one code, about a handle, a session or a parameter.</summary>
    public bool IsAboutParameters => Result.IsFormatOne();

    private static string Describe(TpmRc code) => Enum.IsDefined(code.Base()) ? $"TPM_RC_{code.Base()} (0x{(uint)code:x})" : $"0x{(uint)code:x}";
}

/// <summary>
/// The response's HMAC is not the TPM's, or what it says contradicts itself: whoever answered is not that TPM, or the response was changed.
/// </summary>
public sealed class Tpm2IntegrityException(TpmCc command, string what)
    : TpmException($"the response to TPM2_{command} does not come from the TPM, or was changed on its way: {what}")
{
    public TpmCc Command { get; } = command;
}

/// <summary>The response is not one that a TPM 2.0 gives to this command.</summary>
public sealed class Tpm2ProtocolException(TpmCc command, string what)
    : TpmException($"the response to TPM2_{command} is malformed: {what}; is that a TPM 2.0?")
{
    public TpmCc Command { get; } = command;
}
