using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Confinement;

/// <summary>Open descriptors as parts of messages on a Unix socket (SCM_RIGHTS): at most one with each.</summary>
public static unsafe class DescriptorPassing
{
    private const int SolSocket = 1;
    private const int Rights = 1;
    private const int ControlTruncated = 0x8;
    private const int MessageTruncated = 0x20;
    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int ReceiveCloseOnExec = 0x40000000;

    /// <summary><c>struct cmsghdr</c>: length, level, type.</summary>
    private const int ControlHeader = 16;

    /// <summary>Room for more than one, so that what comes in excess is seen and closed here.</summary>
    private const int ControlLength = ControlHeader + 4 * sizeof(int);

    /// <summary>Sends a message with a descriptor, of which this process keeps its own.</summary>
    /// <param name="socket">A Unix socket.</param>
    /// <param name="message">At least one byte, to which the descriptor is attached.</param>
    /// <param name="descriptor">Null for a message without.</param>
    /// <param name="wait">Whether to wait for room; else a receiver that takes nothing is an error.</param>
    /// <exception cref="ConfinementException">It cannot be sent, or was not sent as a whole.</exception>
    public static void Send(SafeHandle socket, ReadOnlySpan<byte> message, SafeHandle? descriptor, bool wait = true)
    {
        ArgumentOutOfRangeException.ThrowIfZero(message.Length, nameof(message));
        byte* control = stackalloc byte[ControlHeader + sizeof(long)];
        bool held = false;
        try
        {
            descriptor?.DangerousAddRef(ref held);
            fixed (byte* start = message)
            {
                var buffer = new LibC.Buffer { Start = start, Length = (nuint)message.Length };
                var header = new LibC.MessageHeader { Buffers = &buffer, BufferCount = 1 };
                if (descriptor is not null)
                {
                    *(nuint*)control = ControlHeader + sizeof(int);
                    ((int*)control)[2] = SolSocket;
                    ((int*)control)[3] = Rights;
                    ((int*)control)[4] = (int)descriptor.DangerousGetHandle();
                    header.Control = control;
                    header.ControlLength = ControlHeader + sizeof(long);
                }

                nint sent;
                do
                {
                    int flags = NoSignal | (wait ? 0 : DoNotWait);
                    // A sealed process may send, and no descriptors: it has no sendmsg.
                    sent = descriptor is null ? LibC.Send(socket, start, (nuint)message.Length, flags) : LibC.SendMessage(socket, &header, flags);
                }
                while (sent < 0 && Marshal.GetLastPInvokeError() == LibC.Interrupted);
                if (sent < 0) throw new ConfinementException("a message for another process cannot be sent", Marshal.GetLastPInvokeError());
                if (sent != message.Length) throw new ConfinementException($"of a message of {message.Length} bytes {sent} could be sent");
            }
        }
        finally
        {
            if (held) descriptor!.DangerousRelease();
        }
    }

    /// <summary>Waits for a message.</summary>
    /// <param name="socket">A Unix socket.</param>
    /// <param name="message">Takes its bytes.</param>
    /// <param name="descriptor">What came with it, close-on-exec; null when nothing did.</param>
    /// <returns>Its length; 0 at the end of the stream.</returns>
    /// <exception cref="ConfinementException">It failed, or brought more than one descriptor or more bytes than there is room for: all are closed.</exception>
    public static int Receive(SafeHandle socket, Span<byte> message, out SafeFileHandle? descriptor) =>
        Receive(socket, message, 0, out descriptor) is var length && length >= 0
            ? length
            : throw new ConfinementException("a descriptor cannot be received", LibC.TryAgain);

    /// <summary>Takes a message if there is one.</summary>
    /// <returns>False when there is none yet.</returns>
    /// <inheritdoc cref="Receive(SafeHandle, Span{byte}, out SafeFileHandle?)"/>
    public static bool TryReceive(SafeHandle socket, Span<byte> message, out int length, out SafeFileHandle? descriptor)
    {
        length = Receive(socket, message, DoNotWait, out descriptor);
        return length >= 0;
    }

    private static int Receive(SafeHandle socket, Span<byte> message, int flags, out SafeFileHandle? descriptor)
    {
        ArgumentOutOfRangeException.ThrowIfZero(message.Length, nameof(message));
        byte* control = stackalloc byte[ControlLength];
        fixed (byte* start = message)
        {
            var buffer = new LibC.Buffer { Start = start, Length = (nuint)message.Length };
            var header = new LibC.MessageHeader { Buffers = &buffer, BufferCount = 1 };
            nint received;
            do
            {
                header.Control = control;
                header.ControlLength = ControlLength;
                received = LibC.ReceiveMessage(socket, &header, flags | ReceiveCloseOnExec);
            }
            while (received < 0 && Marshal.GetLastPInvokeError() == LibC.Interrupted);
            descriptor = null;
            if (received < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                return error == LibC.TryAgain ? -1 : throw new ConfinementException("a descriptor cannot be received", error);
            }

            descriptor = TakeOne(header);
            return (int)received;
        }
    }

    private static SafeFileHandle? TakeOne(in LibC.MessageHeader header)
    {
        List<SafeFileHandle> taken = [];
        bool isAsExpected = (header.Flags & (ControlTruncated | MessageTruncated)) == 0;
        byte* control = (byte*)header.Control;
        nuint left = header.ControlLength;
        while (left >= ControlHeader)
        {
            nuint length = *(nuint*)control;
            if (length < ControlHeader || length > left) break;
            bool isRights = ((int*)control)[2] == SolSocket && ((int*)control)[3] == Rights;
            isAsExpected &= isRights;
            int count = isRights ? (int)(length - ControlHeader) / sizeof(int) : 0;
            for (int i = 0; i < count; i++) taken.Add(new SafeFileHandle(((int*)(control + ControlHeader))[i], ownsHandle: true));
            nuint step = Math.Min((length + sizeof(long) - 1) & ~(nuint)(sizeof(long) - 1), left);
            control += step;
            left -= step;
        }

        if (isAsExpected && taken.Count <= 1) return taken.FirstOrDefault();
        foreach (SafeFileHandle handle in taken) handle.Dispose();
        throw new ConfinementException($"a message came with {taken.Count} descriptors or was cut off: refused, and they are closed");
    }
}
