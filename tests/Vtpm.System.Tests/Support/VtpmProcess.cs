using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Vtpm.SystemTests;

/// <summary>One process of the executable, with what it says. Whatever a test does, it does not outlive the test.</summary>
internal sealed partial class VtpmProcess : IDisposable
{
    /// <summary>Turns a hang into a failure; nothing waits so long that is well.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public const string Ready = "]: ready";
    public const string ManagerReady = "Waiting for commands from vTPM's:";

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private int _openStreams = 2;

    private VtpmProcess(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        CommandLine = string.Join(' ', start.ArgumentList);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Take(e.Data);
        _process.ErrorDataReceived += (_, e) => Take(e.Data);
        _process.Start();
        Pid = _process.Id;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string CommandLine { get; }

    public int Pid { get; }

    public bool IsRunning => !_process.HasExited;

    /// <summary>What it has said so far, in both streams.</summary>
    public string Log
    {
        get
        {
            lock (_lines) return string.Join('\n', _lines);
        }
    }

    public static VtpmProcess Start(params IEnumerable<string> arguments) => new(VtpmBinary.Path, arguments);

    /// <summary>Another program, in the end of whose arguments the executable may stand: <c>prlimit … vtpm …</c>.</summary>
    public static VtpmProcess StartProgram(string program, params IEnumerable<string> arguments) => new(program, arguments);

    /// <summary>Starts it and waits until it is ready.</summary>
    public static VtpmProcess StartReady(string readyMark, params IEnumerable<string> arguments)
    {
        VtpmProcess process = Start(arguments);
        try
        {
            process.WaitFor(readyMark);
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Runs it to its end.</summary>
    public static (int ExitCode, string Output) Run(params IEnumerable<string> arguments)
    {
        using VtpmProcess process = Start(arguments);
        return (process.WaitForExit(), process.Log);
    }

    /// <summary>Waits until it has said something; its end, and its silence, are failures.</summary>
    public void WaitFor(string text)
    {
        if (!TryWaitFor(text)) Assert.Fail($"'{CommandLine}' did not say '{text}' but:\n{Log}");
    }

    /// <returns>False when it ended without having said it.</returns>
    public bool TryWaitFor(string text)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        lock (_lines)
        {
            for (int seen = 0; ;)
            {
                for (; seen < _lines.Count; seen++)
                {
                    if (_lines[seen].Contains(text, StringComparison.Ordinal)) return true;
                }

                if (_openStreams == 0) return false;
                int left = (int)(deadline - Environment.TickCount64);
                if (left <= 0 || !Monitor.Wait(_lines, left)) Assert.Fail($"'{CommandLine}' did not say '{text}' in {Patience}:\n{Log}");
            }
        }
    }

    /// <summary>Waits for its end, and for all that it has said.</summary>
    public int WaitForExit()
    {
        if (!_process.WaitForExit(Patience)) Assert.Fail($"'{CommandLine}' does not end:\n{Log}");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Signal(UnixSignal signal)
    {
        if (Kill(Pid, (int)signal) != 0) Assert.Fail($"kill({Pid}, {signal}): errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>SIGKILL, as a machine that loses power; returns when it is gone.</summary>
    public void Kill()
    {
        if (IsRunning) _process.Kill();
        WaitForExit();
    }

    /// <summary>Closes its standard input.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    public void Dispose()
    {
        if (IsRunning) _process.Kill();
        _process.WaitForExit(Patience);
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);

    private void Take(string? line)
    {
        lock (_lines)
        {
            if (line is null) _openStreams--;
            else _lines.Add(line);
            Monitor.PulseAll(_lines);
        }
    }
}

internal enum UnixSignal
{
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
}
