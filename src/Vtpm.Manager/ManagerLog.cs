using Vtpm.Transports;

namespace Vtpm.Manager;

/// <summary>Log lines in the form of the original: <c>INFO[VTPM]: …</c> for what concerns vTPMs, <c>INFO[TPM]: …</c> for the hardware.</summary>
internal sealed class ManagerLog(Action<string>? write)
{
    /// <summary>More than a manager serves at a time. Those of before are forgotten.</summary>
    private const int MostOfThem = 4096;

    private readonly Dictionary<string, ManagerLog> _bounded = [];
    private readonly Lock _gate = new();

    public void Info(string line) => write?.Invoke($"INFO[VTPM]: {line}");

    public void Warn(string line) => write?.Invoke($"WARN[VTPM]: {line}");

    public void Error(string line) => write?.Invoke($"ERROR[VTPM]: {line}");

    public void TpmInfo(string line) => write?.Invoke($"INFO[TPM]: {line}");

    public void TpmWarn(string line) => write?.Invoke($"WARN[TPM]: {line}");

    /// <summary>For what a vTPM can bring about as often as it likes: beyond a few lines at once they are left out, and counted.</summary>
    public ManagerLog Of(Guid vtpm) => About($"vTPM {vtpm}");

    /// <summary>The same for something else that may fail again and again.</summary>
    public ManagerLog About(string what)
    {
        lock (_gate)
        {
            if (_bounded.TryGetValue(what, out ManagerLog? known)) return known;
            if (_bounded.Count >= MostOfThem) _bounded.Clear();
            var lines = new BoundedLog($"WARN[VTPM]: {what}", line => write?.Invoke(line), TimeProvider.System);
            var gate = new Lock();
            return _bounded[what] = new ManagerLog(line =>
            {
                lock (gate) lines.Write(line);
            });
        }
    }
}
