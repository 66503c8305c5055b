using System.Net.Sockets;
using System.Text;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;

namespace Vtpm.Backend;

/// <summary>
/// Makes connections to the manager for vTPMs: connects to the socket that it has for this domain (<c>vtpm manager --host</c>), says which vTPM the
/// connection is for (INTRODUCE), and hands it over when the manager has agreed. Nothing waits meanwhile.
/// </summary>
internal sealed class ManagerIntroducer
{
    /// <summary>For the manager to agree, which may be waiting for the hardware TPM.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Before a manager's door with a crowd.</summary>
    private const int CrowdMilliseconds = 20_000;

    private const int AnswerMilliseconds = 100;
    private const int AnswerLength = TpmMessage.HeaderLength;

    private readonly TpmAddress _manager;
    private readonly Tpmback _loop;
    // One for all of them: they are before the same door.
    private readonly BlockingWork.Lane _door;

    public ManagerIntroducer(TpmAddress manager, Tpmback loop, BlockingWork blocking)
    {
        _manager = manager;
        _loop = loop;
        _door = blocking.NewLane();
    }

    /// <param name="uuid">The vTPM.</param>
    /// <param name="label">Its guest's XSM label, where there is one.</param>
    /// <param name="guard">Calls what is done for the vTPM on the service's thread.</param>
    /// <param name="done">
    /// Called once, unless it is disposed of before: with a connection, which is the callee's to close, or with why there is none.
    /// </param>
    public Introduction Begin(Guid uuid, string? label, Action<Action> guard, Action<Socket?, string> done) =>
        new(this, Request(uuid, label), guard, done);

    private static byte[] Request(Guid uuid, string? label)
    {
        byte[] introduction = WireFormat.ToBytes(new VtpmIntroduceRequest { Uuid = uuid, Label = Encoding.UTF8.GetBytes(label ?? "") });
        var header = new TpmHeader { Tag = TpmTag.VtpmReq, ParamSize = (uint)(TpmHeader.Size + introduction.Length), Code = (uint)VtpmManagerOrdinal.Introduce };
        return [.. WireFormat.ToBytes(header), .. introduction];
    }

    internal sealed class Introduction : IDisposable
    {
        private readonly ManagerIntroducer _owner;
        private readonly Action<Action> _guard;
        private readonly Action<Socket?, string> _done;
        private readonly byte[] _answer = new byte[AnswerLength];
        private int _length;
        private Socket? _socket;
        private volatile bool _isDone;

        public Introduction(ManagerIntroducer owner, byte[] request, Action<Action> guard, Action<Socket?, string> done)
        {
            _owner = owner;
            _guard = guard;
            _done = done;
            owner._door.Run(() => Connect(request), (socket, fault) => guard(() => TakeConnection(socket, fault)));
        }

        public bool IsDone => _isDone;

        /// <summary>Gives it up, without a word, if it is not done.</summary>
        public void Dispose()
        {
            if (_isDone) return;
            _isDone = true;
            if (_socket is null) return;
            _owner._loop.Disregard(_socket.SafeHandle);
            _socket.Dispose();
        }

        /// <summary>There is no connection.</summary>
        public void Refuse(string why)
        {
            if (_isDone) return;
            Dispose();
            _done(null, why);
        }

        /// <summary>On another thread: a manager that has a crowd before its door has others wait.</summary>
        private Socket? Connect(byte[] request)
        {
            if (_isDone) return null;
            // Blocking, as whoever gets it needs it: the base library cannot make one blocking again.
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                { SendTimeout = CrowdMilliseconds, ReceiveTimeout = AnswerMilliseconds };
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(_owner._manager.Name));
                if (socket.Send(request) != request.Length) throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
                return socket;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        private void TakeConnection(Socket? socket, Exception? fault)
        {
            if (_isDone || socket is null)
            {
                socket?.Dispose();
                string why = fault is SocketException exception ? exception.SocketErrorCode.ToString() : fault?.Message ?? "";
                Refuse($"the manager at {_owner._manager} is not to be reached ({why}); is it running, with --host {_owner._manager}?");
                return;
            }

            _socket = socket;
            _owner._loop.Attend(socket.SafeHandle, () => _guard(Receive));
        }

        private void Receive()
        {
            int received = _socket!.Receive(_answer.AsSpan(_length), SocketFlags.None, out SocketError error);
            if (error is SocketError.WouldBlock or SocketError.TimedOut) return;
            if (error != SocketError.Success || received == 0)
            {
                Refuse($"the manager at {_owner._manager} closes the connection; its log says why");
                return;
            }

            _length += received;
            if (_length < AnswerLength) return;
            if (!TpmMessage.IsWhole(_answer) || TpmMessage.ReadTag(_answer) != TpmTag.VtpmRsp) Refuse($"what answers at {_owner._manager} is no manager for a backend domain");
            else if (TpmMessage.ReadResult(_answer) is var result && result != TpmResult.Success) Refuse($"the manager refuses this vTPM with TPM_{result}; its log says why");
            else Hand();
        }

        private void Hand()
        {
            _isDone = true;
            _owner._loop.Disregard(_socket!.SafeHandle);
            (_socket.SendTimeout, _socket.ReceiveTimeout) = (0, 0);
            _done(_socket, "");
        }
    }
}
