using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Vtpm.Confinement;
using Vtpm.Instance;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;

namespace Vtpm.Backend.Tests;

/// <summary>
/// Starts vTPMs as threads of the test: the same vTPM, links, image and record as in a process, and an end at any moment, which leaves what a killed
/// process leaves.
/// </summary>
internal sealed partial class ThreadLauncher : IVtpmLauncher
{
    private Exception? _fault;

    /// <summary>All that were started.</summary>
    public List<Vtpm> Started { get; } = [];

    public Vtpm Last => Started[^1];

    /// <summary>Before a vTPM starts its TPM, on its thread.</summary>
    public Action<Guid>? Starting { get; set; }

    /// <summary>Looks at each request before it is executed, on the vTPM's thread.</summary>
    public Action<Guid>? Before { get; set; }

    /// <summary>In the place of a vTPM: whatever a process can do with its links.</summary>
    public Action<Socket, Socket>? Instead { get; set; }

    /// <summary>What a process writes to its standard output, before it does anything else.</summary>
    public Action<Socket>? Says { get; set; }

    /// <summary>Before a vTPM asks for a connection to the manager, on its thread.</summary>
    public Action? Asks { get; set; }

    /// <summary>The ends of processes are told by something that cannot be waited for.</summary>
    public bool HidesEnds { get; set; }

    /// <summary>What looking for the end of a process throws, once.</summary>
    public Exception? Fault
    {
        get => _fault;
        set => _fault = value;
    }

    public IVtpmProcess Start(VtpmLaunch launch)
    {
        var vtpm = new Vtpm(this, launch, Started.Count + 1000);
        Started.Add(vtpm);
        return vtpm;
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(SafeHandle handle);

    internal sealed class Vtpm : IVtpmProcess
    {
        private readonly ThreadLauncher _owner;
        private readonly VtpmLaunch _launch;
        private readonly SocketPair _requests = SocketPair.Create(keepsMessages: true);
        private readonly SocketPair _manager = SocketPair.Create(keepsMessages: true);
        private readonly SocketPair _end = SocketPair.Create();
        private readonly SocketPair _log = SocketPair.Create();
        private readonly SafeFileHandle _image;
        private readonly SafeFileHandle _record;
        private readonly Lock _gate = new();
        private readonly SafeFileHandle? _hidden;
        private string? _how;

        public Vtpm(ThreadLauncher owner, VtpmLaunch launch, int id)
        {
            _owner = owner;
            _launch = launch;
            Id = id;
            // A file that is always ready, for which epoll has no use.
            if (owner.HidesEnds) _hidden = File.OpenHandle("/proc/self/status");
            _image = new SafeFileHandle(Duplicate(launch.Image.Handle), ownsHandle: true);
            _record = new SafeFileHandle(Duplicate(launch.Record.Handle), ownsHandle: true);
            _requests.Ours.Blocking = _log.Ours.Blocking = false;
            new Thread(Run) { IsBackground = true }.Start();
        }

        public int Id { get; }

        public Guid Uuid => _launch.Uuid;

        public Socket Requests => _requests.Ours;

        public Socket Manager => _manager.Ours;

        public Socket Log => _log.Ours;

        public SafeHandle Ended => _hidden ?? (SafeHandle)_end.Ours.SafeHandle;

        public bool HasEnded(out string how)
        {
            if (Interlocked.Exchange(ref _owner._fault, null) is { } fault) throw fault;
            return IsOver(out how);
        }

        private bool IsOver(out string how)
        {
            lock (_gate)
            {
                how = _how ?? "";
                return _how is not null;
            }
        }

        public void Kill() => End("signal 9");

        public void Dispose()
        {
            _requests.Ours.Dispose();
            _manager.Ours.Dispose();
            _end.Ours.Dispose();
            _log.Ours.Dispose();
            _hidden?.Dispose();
        }

        private void Run()
        {
            try
            {
                _owner.Says?.Invoke(_log.Theirs);
                if (_owner.Instead is { } instead) instead(_requests.Theirs, _manager.Theirs);
                else Serve();
                End("exit code 0");
            }
            catch (Exception exception) when (exception is VtpmStartException or SocketException or ObjectDisposedException or IOException)
            {
                End(exception.Message);
            }
        }

        private void Serve()
        {
            _owner.Starting?.Invoke(Uuid);
            ObjectDisposedException.ThrowIf(IsOver(out _), this);
            var options = new VtpmOptions("image", ManufacturePolicy.WhenBlank, WithEndorsementKey: false) { Image = _image, IsImageNew = _launch.IsImageNew, BootRecord = _record };
            using VirtualTpm vtpm =
                VirtualTpm.Start(options, VtpmArguments.Parse([]), new ManagerLink(Connect), new SeededRandom(), new FixedRsa(), _ => { });
            using var server = new VtpmLinkServer(_requests.Theirs, (_, _, locality, request, response) =>
            {
                _owner.Before?.Invoke(Uuid);
                // What is killed does nothing more.
                ObjectDisposedException.ThrowIf(IsOver(out _), this);
                return vtpm.Execute(request, locality, response);
            }, _ => { });
            server.Run(vtpm.BootOrigin);
        }

        private ITpmConnection Connect()
        {
            _owner.Asks?.Invoke();
            try
            {
                SafeFileHandle given = ParentLink.Connect(_manager.Theirs.SafeHandle);
                var socket = new Socket(new SafeSocketHandle(given.DangerousGetHandle(), ownsHandle: true));
                given.SetHandleAsInvalid();
                return TpmConnection.Over(socket, ownsSocket: true);
            }
            catch (ConfinementException exception)
            {
                throw new TpmTransportException(TpmTransportFault.Unavailable, exception.Message, exception);
            }
        }

        private void End(string how)
        {
            lock (_gate)
            {
                if (_how is not null) return;
                _how = how;
            }

            // A killed process has no files open, and no locks.
            _image.Dispose();
            _record.Dispose();
            // Others may be in the middle of them: shut down first, so that they hear of it.
            foreach (Socket socket in (Socket[])[_log.Theirs, _requests.Theirs, _manager.Theirs, _end.Theirs])
            {
                if (socket.Connected) socket.Shutdown(SocketShutdown.Both);
                socket.Dispose();
            }
        }
    }
}
