using System.Net.Sockets;
using System.Runtime.InteropServices;
using Vtpm.Confinement;
using Vtpm.Transports;

namespace Vtpm.Backend;

/// <summary>Starts <c>vtpm run</c> for each vTPM, confined and with what it is handed and nothing else.</summary>
/// <param name="executable">The program, as a rule this one.</param>
/// <param name="arguments">What every vTPM is started with besides, Xen's arguments last.</param>
/// <param name="users">The users that confined processes have, each its own while it runs; null for processes that are not confined.</param>
public sealed class VtpmLauncher(string executable, IReadOnlyList<string> arguments, SandboxUserRange? users) : IVtpmLauncher
{
    /// <summary>The descriptors of a vTPM's process, in the order in which it is given them.</summary>
    public const int RequestsDescriptor = 3;
    public const int ManagerDescriptor = 4;
    public const int ImageDescriptor = 5;
    public const int RecordDescriptor = 6;

    // Let go of before they had ended, each with what is to be done then.
    private readonly List<(ChildProcess Process, Action Ended)> _left = [];

    public IVtpmProcess Start(VtpmLaunch launch)
    {
        ArgumentNullException.ThrowIfNull(launch);
        Reap();
        SandboxUser? user = users?.Take();
        SocketPair? requests = null, manager = null, log = null;
        try
        {
            requests = SocketPair.Create(keepsMessages: true);
            manager = SocketPair.Create(keepsMessages: true);
            log = SocketPair.Create();
            ChildProcess child = ChildProcess.Start(new ChildProcessStart(executable, ArgumentsOf(launch, user))
            {
                Descriptors = [requests.Theirs.SafeHandle, manager.Theirs.SafeHandle, launch.Image.Handle, launch.Record.Handle],
                Output = log.Theirs.SafeHandle,
            });
            requests.Theirs.Dispose();
            manager.Theirs.Dispose();
            log.Theirs.Dispose();
            // Only ours: the other ends are open files of their own.
            requests.Ours.Blocking = log.Ours.Blocking = false;
            return new Started(child, requests.Ours, manager.Ours, log.Ours, Leave, () => Return(user));
        }
        catch
        {
            requests?.Dispose();
            manager?.Dispose();
            log?.Dispose();
            Return(user);
            throw;
        }
    }

    private string[] ArgumentsOf(VtpmLaunch launch, SandboxUser? user)
    {
        List<string> all =
        [
            "run", "--uuid", launch.Uuid.ToString("D"), "--requests", Address(RequestsDescriptor), "--manager", Address(ManagerDescriptor), "--image",
            Address(ImageDescriptor), "--boot-record", Address(RecordDescriptor),
        ];
        if (launch.IsImageNew) all.Add("--image-is-new");
        if (user is { } confined) all.AddRange(["--confine", confined.ToString()]);
        return [.. all, .. arguments];
    }

    private void Return(SandboxUser? user)
    {
        if (user is { } taken) users!.Return(taken);
    }

    /// <summary>A process that nobody waits for any more. Its user may be another's when it has ended, and not before.</summary>
    private void Leave(ChildProcess process, Action ended)
    {
        _left.Add((process, ended));
        Reap();
    }

    private void Reap() => _left.RemoveAll(left =>
    {
        if (!left.Process.TryWait(out _)) return false;
        left.Ended();
        left.Process.Dispose();
        return true;
    });

    private static string Address(int descriptor) => TpmAddress.Inherited(descriptor).ToString();

    private sealed class Started(ChildProcess child, Socket requests, Socket manager, Socket log, Action<ChildProcess, Action> leave, Action ended)
        : IVtpmProcess
    {
        private bool _isDisposed;

        public int Id => child.Id;

        public Socket Requests => requests;

        public Socket Manager => manager;

        public Socket Log => log;

        public SafeHandle Ended => child.Ended;

        public bool HasEnded(out string how)
        {
            bool has = child.TryWait(out ExitStatus status);
            how = status.Signal is null ? status.ToString() : $"killed by {status}";
            return has;
        }

        public void Kill() => child.Signal(9);

        public void Dispose()
        {
            if (_isDisposed) return;
            _isDisposed = true;
            requests.Dispose();
            manager.Dispose();
            log.Dispose();
            leave(child, ended);
        }
    }
}
