using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>The vTPM manager answered a command with an error.</summary>
public sealed class VtpmManagerException(VtpmManagerOrdinal ordinal, TpmResult result)
    : TpmException($"VTPM_ORD_{ordinal} was answered TPM_{result} (0x{(uint)result:x}): {ManagementAdvice.For(ordinal, result)}")
{
    public VtpmManagerOrdinal Ordinal { get; } = ordinal;

    public TpmResult Result { get; } = result;
}
