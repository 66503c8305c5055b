using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Confinement;

/// <summary>
/// A process that has been started with given descriptors and nothing else, in a process group of its own, with no signal blocked or ignored. The base
/// library's Process passes on all that was opened without close-on-exec, and cannot pass on a descriptor as a chosen number.
/// </summary>
/// <remarks>
/// Its end is taken by its own number (waitpid), so that nothing is taken away from the base library's processes. It is a zombie until
/// <see cref="TryWait(out ExitStatus)"/> has returned true.
/// </remarks>
public sealed class ChildProcess : IDisposable
{
    private const int NoHang = 1;
    private const int SignalKill = 9;

    private readonly Lock _gate = new();
    private ExitStatus? _status;

    private ChildProcess(int id, SafeFileHandle ended)
    {
        Id = id;
        Ended = ended;
    }

    public int Id { get; }

    /// <summary>Becomes readable (poll) when the process ends, whoever waits for it.</summary>
    public SafeFileHandle Ended { get; }

    /// <exception cref="ConfinementException">There is no such executable, it may not be executed, or the system has no more processes.</exception>
    public static ChildProcess Start(ChildProcessStart start)
    {
        ArgumentNullException.ThrowIfNull(start);
        int id = Spawn.Start(start);
        try
        {
            return new ChildProcess(id, LibC.OpenProcess(id));
        }
        catch
        {
            // Nobody could wait for it.
            _ = LibC.Kill(id, SignalKill);
            Wait(id, options: 0);
            throw;
        }
    }

    /// <summary>Whether it has ended, and how.</summary>
    public bool TryWait(out ExitStatus status)
    {
        lock (_gate)
        {
            _status ??= Wait(Id, NoHang);
            status = _status ?? default;
            return _status is not null;
        }
    }

    /// <summary>Waits until it has ended, at the longest for <paramref name="patience"/>.</summary>
    public unsafe bool TryWait(TimeSpan patience, out ExitStatus status)
    {
        long deadline = Environment.TickCount64 + (long)Math.Min(patience.TotalMilliseconds, int.MaxValue);
        while (!TryWait(out status))
        {
            long left = deadline - Environment.TickCount64;
            if (left <= 0) return false;
            var descriptor = new LibC.PollDescriptor { Descriptor = (int)Ended.DangerousGetHandle(), Events = 1 };
            _ = LibC.Poll(&descriptor, 1, (int)left);
        }

        return true;
    }

    /// <summary>Waits until it has ended, or there is something to read on <paramref name="link"/>.</summary>
    /// <returns>Whether there is something to read.</returns>
    public unsafe bool WaitFor(SafeHandle link)
    {
        ArgumentNullException.ThrowIfNull(link);
        LibC.PollDescriptor* descriptors = stackalloc LibC.PollDescriptor[2];
        descriptors[0] = new() { Descriptor = (int)link.DangerousGetHandle(), Events = 1 };
        descriptors[1] = new() { Descriptor = (int)Ended.DangerousGetHandle(), Events = 1 };
        while (LibC.Poll(descriptors, 2, milliseconds: -1) < 1)
        {
            // a signal has come between
        }

        return descriptors[0].Returned != 0;
    }

    /// <summary>Sends it a signal; nothing when it has ended.</summary>
    public void Signal(int signal)
    {
        lock (_gate)
        {
            // Until it has been waited for, its number is nobody else's.
            if (!TryWait(out _)) _ = LibC.Kill(Id, signal);
        }
    }

    /// <summary>SIGKILL, and its end.</summary>
    public ExitStatus Kill()
    {
        lock (_gate)
        {
            Signal(SignalKill);
            return _status ??= Wait(Id, options: 0) ?? ExitStatus.Unknown;
        }
    }

    /// <summary>Closes what this process has of it. It goes on.</summary>
    public void Dispose() => Ended.Dispose();

    private static ExitStatus? Wait(int id, int options)
    {
        int result;
        int status;
        do
        {
            result = LibC.WaitForProcess(id, out status, options);
        }
        while (result < 0 && Marshal.GetLastPInvokeError() == LibC.Interrupted);
        if (result == 0) return null;
        return result == id ? ExitStatus.FromWait(status) : ExitStatus.Unknown;
    }
}
