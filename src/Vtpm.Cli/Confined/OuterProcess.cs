using Vtpm.Confinement;
using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>
/// The outer process of <c>vtpm run --confine</c>: opens what the vTPM needs, starts it with that and nothing else, and makes its connections to the
/// manager, which it has no right to make. docs/adr/0015-confinement.md
/// </summary>
internal sealed class OuterProcess : IDisposable
{
    private const int Terminate = 15;

    /// <summary>A vTPM that asks for connections without end is given no more than this allows.</summary>
    private static readonly TimeSpan BetweenConnections = TimeSpan.FromMilliseconds(50);

    /// <summary>The vTPM of an outer process that was killed is killed as well, and a moment later: who is started in its place has to see it gone.</summary>
    private static readonly TimeSpan Predecessor = TimeSpan.FromSeconds(2);

    private readonly TpmAddress _manager;
    private readonly Log _log;
    // Kept: the base library takes the lock back when it closes the file, though the vTPM has it open.
    private readonly FileBlockStore _image;
    private readonly string? _newImage;
    private readonly SocketPair _link = SocketPair.Create(keepsMessages: true);
    private readonly List<TpmListener> _listeners = [];
    private readonly ChildProcess _process;

    /// <param name="image">The image's path.</param>
    /// <param name="manager">Where the manager listens.</param>
    /// <param name="addresses">Where clients connect.</param>
    /// <param name="mode">Permissions of the Unix sockets' files.</param>
    /// <param name="arguments">The vTPM's arguments, less those of what is handed to it.</param>
    /// <param name="log">The log.</param>
    public OuterProcess(string image, TpmAddress manager, TpmAddress[] addresses, UnixFileMode mode, IEnumerable<string> arguments, Log log)
    {
        _manager = manager;
        _log = log;
        bool isThere = File.Exists(image);
        _image = Open(image);
        _newImage = isThere ? null : image;
        try
        {
            foreach (TpmAddress address in addresses)
            {
                _listeners.Add(TpmListener.Open(address, mode));
                log.Info($"listening on {_listeners[^1].Address}");
            }

            _process = ChildProcess.Start(new ChildProcessStart(Environment.ProcessPath!, [.. arguments, .. InnerProcess.Handed(imageIsNew: _image.Length == 0, _listeners.Count)])
            {
                Descriptors = [_image.Handle, _link.Theirs.SafeHandle, .. _listeners.Select(listener => listener.Handle)],
            });
        }
        catch
        {
            DisposeSockets();
            throw;
        }

        _link.Theirs.Dispose();
    }

    /// <summary>Goes on until the vTPM has ended. It ends with this process, however that ends.</summary>
    /// <param name="stopWithParent">Whether it ends with standard input.</param>
    /// <param name="whenReady">Called when the vTPM serves.</param>
    public ExitCode Run(bool stopWithParent, Action whenReady)
    {
        Service.Until(() => _process.Signal(Terminate), stopWithParent, ready =>
        {
            if (!PumpUntil(ChildMessage.Ready)) return;
            ready();
            whenReady();
            PumpUntil(null);
        });
        return End();
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
        DisposeSockets();
    }

    private static FileBlockStore Open(string path)
    {
        long deadline = Environment.TickCount64 + (long)Predecessor.TotalMilliseconds;
        while (true)
        {
            try
            {
                return FileBlockStore.OpenOrMake(path);
            }
            catch (StorageException exception) when (exception.Fault == StorageFault.InUse && Environment.TickCount64 < deadline)
            {
                Thread.Sleep(BetweenConnections);
            }
        }
    }

    /// <returns>Whether it has said what was waited for; else it has ended.</returns>
    private bool PumpUntil(ChildMessage? awaited)
    {
        while (_process.WaitFor(_link.Ours.SafeHandle))
        {
            ChildMessage message = ParentLink.Take(_link.Ours.SafeHandle);
            if (message == ChildMessage.Connect) Connect();
            if (message == ChildMessage.Unknown) EndIt("it says what no vTPM says");
            if (message == ChildMessage.Ended) break;
            if (message == awaited) return true;
        }

        return false;
    }

    private void Connect()
    {
        try
        {
            using var connection = TpmConnection.Connect(_manager);
            ParentLink.Give(_link.Ours.SafeHandle, connection.SafeHandle);
        }
        catch (TpmTransportException exception)
        {
            Refuse(exception.Message);
        }
        catch (ConfinementException exception)
        {
            EndIt(exception.Message);
        }

        Thread.Sleep(BetweenConnections);
    }

    private void Refuse(string why)
    {
        try
        {
            ParentLink.Refuse(_link.Ours.SafeHandle, why);
        }
        catch (ConfinementException exception)
        {
            EndIt(exception.Message);
        }
    }

    private void EndIt(string why)
    {
        _log.Error($"the vTPM's process is ended: {why}");
        _process.Kill();
    }

    private ExitCode End()
    {
        // It has closed its link, or has ended: it is not for long that it goes on.
        if (!_process.TryWait(TimeSpan.FromSeconds(20), out ExitStatus status)) status = _process.Kill();
        if (status.Code is { } code) return (ExitCode)code;
        _log.Error($"the vTPM's process was ended by {status}");
        return ExitCode.Failed;
    }

    private void DisposeSockets()
    {
        foreach (TpmListener listener in _listeners) listener.Dispose();
        _link.Dispose();
        // One that nothing was written to is no image, and would pass for a blank one at the next start.
        if (_newImage is not null && new FileInfo(_newImage).Length == 0) File.Delete(_newImage);
        _image.Dispose();
    }
}
