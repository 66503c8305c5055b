namespace Vtpm.Wire;

/// <summary><c>TPM_REDIR_COMMAND</c>, Part 2 §23.1.</summary>
public enum TpmRedirCommand : uint
{
    None = 0,

    /// <summary>TPM_REDIR_GPIO (Part 3 §9.5).</summary>
    Gpio = 0x00000001,
}
