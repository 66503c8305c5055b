using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Confinement;

/// <summary>What a confined process has said to whoever started it.</summary>
public enum ChildMessage
{
    /// <summary>Nothing yet.</summary>
    None,

    /// <summary>It wants a connection to its manager: <see cref="ParentLink.Give"/> or <see cref="ParentLink.Refuse"/>.</summary>
    Connect,

    /// <summary>It serves.</summary>
    Ready,

    /// <summary>It has ended, or closed the link.</summary>
    Ended,

    /// <summary>It says what no vTPM says: it is to be ended.</summary>
    Unknown,
}

/// <summary>
/// The link between a confined process and the one that started it, which makes the connections that it cannot make itself: a restarted manager is found
/// again, and the process has no right to make a socket. A <see cref="SocketPair"/> that keeps messages, of one byte each from the confined process.
/// </summary>
public static class ParentLink
{
    private const byte ConnectByte = 1;
    private const byte ReadyByte = 2;
    private const byte Granted = 1;
    private const byte Refused = 2;
    private const int LongestReason = 400;

    /// <summary>In the confined process: asks for a connection, and waits for it.</summary>
    /// <exception cref="ConfinementException">There is none; the message is the other side's.</exception>
    public static SafeFileHandle Connect(SafeHandle link)
    {
        DescriptorPassing.Send(link, [ConnectByte], null);
        Span<byte> answer = stackalloc byte[1 + LongestReason];
        int length = DescriptorPassing.Receive(link, answer, out SafeFileHandle? connection);
        if (length > 0 && answer[0] == Granted && connection is not null) return connection;
        connection?.Dispose();
        throw new ConfinementException(length > 1 && answer[0] == Refused
            ? Encoding.UTF8.GetString(answer[1..length])
            : "the process that makes the connections has ended");
    }

    /// <summary>In the confined process: it serves.</summary>
    public static void TellReady(SafeHandle link) => DescriptorPassing.Send(link, [ReadyByte], null);

    /// <summary>In the other process: takes what the confined one has said, without waiting.</summary>
    public static ChildMessage Take(SafeHandle link)
    {
        Span<byte> message = stackalloc byte[2];
        try
        {
            if (!DescriptorPassing.TryReceive(link, message, out int length, out SafeFileHandle? descriptor)) return ChildMessage.None;
            // It may send none, and could otherwise have us keep its files open.
            descriptor?.Dispose();
            return (length, message[0]) switch
            {
                (0, _) => ChildMessage.Ended,
                (1, ConnectByte) when descriptor is null => ChildMessage.Connect,
                (1, ReadyByte) when descriptor is null => ChildMessage.Ready,
                _ => ChildMessage.Unknown,
            };
        }
        catch (ConfinementException)
        {
            return ChildMessage.Unknown;
        }
    }

    /// <summary>In the other process: answers with a connection, of which the caller closes its own copy.</summary>
    /// <exception cref="ConfinementException">It takes no answers: it is to be ended.</exception>
    public static void Give(SafeHandle link, SafeHandle connection) => DescriptorPassing.Send(link, [Granted], connection, wait: false);

    /// <summary>In the other process: answers why there is no connection.</summary>
    /// <exception cref="ConfinementException">It takes no answers: it is to be ended.</exception>
    public static void Refuse(SafeHandle link, string why)
    {
        ArgumentNullException.ThrowIfNull(why);
        Span<byte> message = stackalloc byte[1 + LongestReason];
        message[0] = Refused;
        // A reason that is cut off is still one; a character that is cut is shown as a question mark.
        Encoding.UTF8.TryGetBytes(why.Length <= LongestReason / 3 ? why : why[..(LongestReason / 3)], message[1..], out int length);
        DescriptorPassing.Send(link, message[..(1 + length)], null, wait: false);
    }
}
