using System.Runtime.InteropServices;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>A program that serves clients until it is told to end.</summary>
internal static class Service
{
    /// <summary>Serves on the calling thread until it is told to end, then finishes the command it is in.</summary>
    public static void Run(TpmServer server, bool stopWithParent, Action whenReady) => Until(server.Stop, stopWithParent, () =>
    {
        whenReady();
        server.Run();
    });

    /// <summary>
    /// Runs <paramref name="serve"/>, all that it listens on being open; SIGTERM, SIGINT and SIGHUP call <paramref name="stop"/>, and so does the end of standard input when the program
    /// is one of a supervisor's: it must not outlive it, however that ended. Such a one leaves what a terminal sends to all of its programs (Ctrl-C, its
    /// end) to the supervisor, which stops them in their order.
    /// </summary>
    public static void Until(Action stop, bool stopWithParent, Action serve) => Until(stop, stopWithParent, ready =>
    {
        ready();
        serve();
    });

    /// <summary>The same for what does not listen from the beginning: it calls the action that it is given when it does.</summary>
    public static void Until(Action stop, bool stopWithParent, Action<Action> serve)
    {
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            if (stopWithParent && context.Signal != PosixSignal.SIGTERM) return;
            ServiceManager.Stopping();
            stop();
        }

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        // What starting up has left on the heap would stay for as long as little is allocated: it is most of what an idle process has for itself.
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (stopWithParent) new Thread(() => AwaitEndOfInput(stop), maxStackSize: 64 * 1024) { IsBackground = true }.Start();
        serve(ServiceManager.Ready);
    }

    private static void AwaitEndOfInput(Action stop)
    {
        using Stream input = Console.OpenStandardInput();
        Span<byte> buffer = stackalloc byte[64];
        while (input.Read(buffer) > 0)
        {
            // what is written means nothing; that it can be written does
        }

        stop();
    }
}
