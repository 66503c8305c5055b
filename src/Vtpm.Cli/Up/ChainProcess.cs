using System.Diagnostics;

namespace Vtpm.Cli;

/// <summary>One program of the chain: a process of this executable that ends with us, however we end.</summary>
internal sealed class ChainProcess : IDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    private readonly string _name;
    private readonly Process _process;
    private readonly ManualResetEvent _ready = new(false);
    private volatile bool _stopping;

    private ChainProcess(string name, IEnumerable<string> arguments, string readyMark)
    {
        _name = name;
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, e) => Show(e.Data, readyMark);
        _process.ErrorDataReceived += (_, e) => Show(e.Data, readyMark);
        _process.Exited += (_, _) => _ready.Set();
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts a program and waits until it says that it is ready.</summary>
    /// <exception cref="ChainException">It ended instead; what it said is on the terminal, and its exit code is in the exception.</exception>
    /// <exception cref="OperationCanceledException">We were told to stop meanwhile.</exception>
    public static ChainProcess Start(string name, IEnumerable<string> arguments, string readyMark, ChainWatch chain)
    {
        var process = new ChainProcess(name, arguments, readyMark);
        try
        {
            chain.WaitFor(process._ready);
            if (process._process.HasExited) throw process.DidNotStart(chain);
            process._process.Exited += (_, _) => process.HasEnded(chain);
            // It may have ended between the two: an event that has been raised is not raised again.
            if (process._process.HasExited) process.HasEnded(chain);
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Asks it to end, and waits: what it acknowledged is durable either way.</summary>
    public void Dispose()
    {
        _stopping = true;
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(StopPatience)) _process.Kill();
            _process.WaitForExit();
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // it has ended already
        }

        _process.Dispose();
        _ready.Dispose();
    }

    private Exception DidNotStart(ChainWatch chain)
    {
        int code = _process.ExitCode;
        if (chain.WasToldToStop()) return new OperationCanceledException();
        var passedOn = (ExitCode)code;
        return new ChainException(
            $"the {_name} did not start (exit code {code}); its own words are above", passedOn is ExitCode.Refused or ExitCode.Unavailable ? passedOn : ExitCode.Failed);
    }

    private void HasEnded(ChainWatch chain)
    {
        if (!_stopping) chain.HasEnded(_name);
    }

    private void Show(string? line, string readyMark)
    {
        if (line is null) return;
        Log.Line($"{_name,-8} | {line}");
        if (line.Contains(readyMark, StringComparison.Ordinal)) _ready.Set();
    }
}
