using System.Net.Sockets;
using System.Text;
using Vtpm.Transports;

namespace Vtpm.Backend;

/// <summary>
/// What a vTPM's process writes to its standard output and error. It is in its guest's hands for all we know, and has no log of its own to fill: its
/// lines are cut, cleaned, counted and told by whoever knows which vTPM they are of. One that writes without end waits in its own write.
/// </summary>
/// <param name="socket">Our end; stays the caller's.</param>
/// <param name="lines">Takes the lines, and bounds them.</param>
/// <param name="now">The time that has passed since a fixed moment.</param>
internal sealed class ProcessLog(Socket socket, BoundedLog lines, Func<TimeSpan> now)
{
    /// <summary>Of a line, in bytes; what is longer is cut off.</summary>
    public const int LongestLine = 600;

    private const int ChunkLength = 4096;

    /// <summary>More than a socket holds: what is read of a process that has ended.</summary>
    private const int MostChunksAtEnd = 256;

    private readonly Allowance _reads = new(burst: 16, TimeSpan.FromMilliseconds(50));
    private readonly byte[] _line = new byte[LongestLine];
    private int _length;
    private bool _isCut;

    /// <summary>Takes something of what there is.</summary>
    /// <param name="pause">How long to look at nothing of it, where it is too much.</param>
    /// <returns>False when nothing comes any more.</returns>
    public bool Take(out TimeSpan pause)
    {
        pause = _reads.Take(now());
        return pause > TimeSpan.Zero || TryRead() is not 0;
    }

    /// <summary>The process has ended: takes the rest.</summary>
    public void End()
    {
        for (int i = 0; i < MostChunksAtEnd && TryRead() > 0; i++)
        {
            // all that it has left
        }

        if (_length > 0) EndLine();
        lines.End();
    }

    /// <returns>Bytes that were read; 0 at the end, -1 when there is nothing yet.</returns>
    private int TryRead()
    {
        Span<byte> chunk = stackalloc byte[ChunkLength];
        int read = socket.Receive(chunk, SocketFlags.None, out SocketError error);
        if (error is SocketError.WouldBlock or SocketError.Interrupted) return -1;
        if (error != SocketError.Success) return 0;
        foreach (byte value in chunk[..read])
        {
            if (value == (byte)'\n') EndLine();
            else if (_length < LongestLine) _line[_length++] = value;
            else _isCut = true;
        }

        return read;
    }

    private void EndLine()
    {
        string line = Printable(_line.AsSpan(0, _length));
        lines.Write(_isCut ? line + "..." : line);
        (_length, _isCut) = (0, false);
    }

    /// <summary>Nothing that a terminal or the reader of a log would take for something else.</summary>
    private static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (Rune rune in Encoding.UTF8.GetString(bytes).EnumerateRunes()) text.Append(IsPlain(rune) ? rune.ToString() : "?");
        return text.ToString();
    }

    private static bool IsPlain(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.IsPunctuation(rune) || Rune.IsSymbol(rune) || rune.Value == ' ';
}
