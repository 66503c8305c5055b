using System.Buffers.Binary;
using System.Net.Sockets;
using Vtpm.TestKit;

namespace Vtpm.Differential.Sides;

/// <summary>Debian's swtpm in TPM 1.2 mode, as a process: commands on its data socket, power and locality on its control channel.</summary>
public sealed class SwtpmSide : TpmSide
{
    private const uint Init = 2, SetLocalityCommand = 5, GetStateBlob = 12, SetStateBlob = 13, Stop = 14, PermanentState = 1;

    private readonly byte[] _buffer = new byte[4096];
    private readonly Swtpm _process = new();
    private readonly Socket _data;
    private readonly Socket _control;

    public SwtpmSide()
        : base("swtpm")
    {
        (_data, _control) = Connect(_process);
    }

    public override byte[] Execute(byte[] command)
    {
        _data.Send(command);
        int length = _data.Receive(_buffer);
        while (length < 6 || length < BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(2)))
        {
            int more = _data.Receive(_buffer.AsSpan(length));
            if (more == 0) throw new InvalidOperationException($"swtpm ended on {Convert.ToHexStringLower(command)}");
            length += more;
        }

        return _buffer.AsSpan(0, length).ToArray();
    }

    public override void SetLocality(int locality) => Control([0, 0, 0, (byte)SetLocalityCommand, (byte)locality, 0, 0, 0]);

    public override void PowerCycle()
    {
        Control([0, 0, 0, (byte)Stop]);
        Control([0, 0, 0, (byte)Init, 0, 0, 0, 0]);
    }

    /// <remarks>The reply: result, flags, total length, length, and so much data.</remarks>
    public override object SavePermanent()
    {
        Control([0, 0, 0, (byte)GetStateBlob, 0, 0, 0, 1, 0, 0, 0, (byte)PermanentState, 0, 0, 0, 0]);
        byte[] header = ReceiveControl(12);
        return ReceiveControl(BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(8)));
    }

    protected override void RestorePermanent(object permanent)
    {
        byte[] state = (byte[])permanent;
        Control([0, 0, 0, (byte)Stop]);
        Control([0, 0, 0, (byte)SetStateBlob, 0, 0, 0, 0, 0, 0, 0, (byte)PermanentState, .. TestTpm.BigEndian((uint)state.Length), .. state]);
        Control([0, 0, 0, (byte)Init, 0, 0, 0, 0]);
    }

    protected override void Dispose(bool disposing)
    {
        _data.Dispose();
        _control.Dispose();
        _process.Dispose();
        base.Dispose(disposing);
    }

    private static (Socket Data, Socket Control) Connect(Swtpm process)
    {
        var data = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        var control = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        data.Connect(new UnixDomainSocketEndPoint(process.SocketPath));
        control.Connect(new UnixDomainSocketEndPoint(process.ControlPath));
        return (data, control);
    }

    private void Control(ReadOnlySpan<byte> command)
    {
        _control.Send(command);
        if (BinaryPrimitives.ReadUInt32BigEndian(ReceiveControl(4)) != 0)
            throw new InvalidOperationException($"swtpm's control channel refused {Convert.ToHexStringLower(command)}");
    }

    private byte[] ReceiveControl(int length)
    {
        byte[] bytes = new byte[length];
        for (int received = 0; received < length;)
        {
            int more = _control.Receive(bytes.AsSpan(received));
            if (more == 0) throw new InvalidOperationException("swtpm's control channel ended");
            received += more;
        }

        return bytes;
    }
}
