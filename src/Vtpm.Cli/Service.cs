using System.Runtime.InteropServices;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>A program that serves clients until it is told to end.</summary>
internal static class Service
{
    /// <summary>Serves on the calling thread; SIGTERM, SIGINT and SIGHUP end it after the command it is in.</summary>
    public static void Run(TpmServer server, Action? whenReady = null)
    {
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            server.Stop();
        }

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        whenReady?.Invoke();
        server.Run();
    }
}
