namespace Vtpm.Manager;

/// <summary>Log lines in the form of the original: <c>INFO[VTPM]: …</c> for what concerns vTPMs, <c>INFO[TPM]: …</c> for the hardware.</summary>
internal sealed class ManagerLog(Action<string>? write)
{
    public void Info(string line) => write?.Invoke($"INFO[VTPM]: {line}");

    public void Warn(string line) => write?.Invoke($"WARN[VTPM]: {line}");

    public void Error(string line) => write?.Invoke($"ERROR[VTPM]: {line}");

    public void TpmInfo(string line) => write?.Invoke($"INFO[TPM]: {line}");

    public void TpmWarn(string line) => write?.Invoke($"WARN[TPM]: {line}");
}
