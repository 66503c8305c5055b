using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>
/// Two Unix sockets that are connected to each other and have no name, close-on-exec: one to keep, one for a process that is started. Who has one of
/// them sees the other's end as the end of the stream.
/// </summary>
public sealed class SocketPair : IDisposable
{
    private const int UnixDomain = 1;
    private const int Stream = 1;
    private const int SequencedPackets = 5;

    private SocketPair(Socket ours, Socket theirs)
    {
        Ours = ours;
        Theirs = theirs;
    }

    public Socket Ours { get; }

    /// <summary>For <see cref="ChildProcessStart.Descriptors"/>; to be disposed when the process has it.</summary>
    public Socket Theirs { get; }

    /// <param name="keepsMessages">SOCK_SEQPACKET: what is sent at once is received at once. Else a stream.</param>
    /// <exception cref="ConfinementException">This process has too many descriptors open.</exception>
    public static unsafe SocketPair Create(bool keepsMessages = false)
    {
        int* pair = stackalloc int[2];
        if (LibC.SocketPair(UnixDomain, (keepsMessages ? SequencedPackets : Stream) | LibC.CloseOnExec, 0, pair) != 0)
            throw new ConfinementException("no pair of sockets", Marshal.GetLastPInvokeError());
        return new SocketPair(new Socket(new SafeSocketHandle(pair[0], ownsHandle: true)), new Socket(new SafeSocketHandle(pair[1], ownsHandle: true)));
    }

    public void Dispose()
    {
        Ours.Dispose();
        Theirs.Dispose();
    }
}
