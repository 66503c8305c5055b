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
internal sealed class ManagerIntroducer(TpmAddress manager, Tpmback loop)
{
    /// <summary>For the manager to agree, which may be waiting for the hardware TPM.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int CrowdMilliseconds = 100;
    private const int AnswerLength = TpmMessage.HeaderLength;

    /// <param name="uuid">The vTPM.</param>
    /// <param name="label">Its guest's XSM label, where there is one.</param>
    /// <param name="done">Called once, unless it is disposed of before, and possibly before this returns: with a connection, which is the callee's to close, or with why there is none.</param>
    public Introduction Begin(Guid uuid, string? label, Action<Socket?, string> done) => new(this, uuid, label, done);

    internal sealed class Introduction : IDisposable
    {
        private readonly ManagerIntroducer _owner;
        private readonly Action<Socket?, string> _done;
        private readonly byte[] _answer = new byte[AnswerLength];
        private int _length;
        private Socket? _socket;

        public Introduction(ManagerIntroducer owner, Guid uuid, string? label, Action<Socket?, string> done)
        {
            _owner = owner;
            _done = done;
            Begin(Request(uuid, label));
        }

        public bool IsDone { get; private set; }

        /// <summary>Gives it up, without a word, if it is not done.</summary>
        public void Dispose()
        {
            if (IsDone) return;
            IsDone = true;
            if (_socket is null) return;
            _owner.Loop.Disregard(_socket.SafeHandle);
            _socket.Dispose();
        }

        /// <summary>There is no connection.</summary>
        public void Refuse(string why)
        {
            if (IsDone) return;
            Dispose();
            _done(null, why);
        }

        private void Begin(byte[] request)
        {
            try
            {
                // Blocking, as whoever gets it needs it: the base library cannot make one blocking again. A Unix socket is connected at once unless the
                // manager has a crowd before its door, and what is readable is read without waiting.
                _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = CrowdMilliseconds, ReceiveTimeout = CrowdMilliseconds };
                _socket.Connect(new UnixDomainSocketEndPoint(_owner.Manager.Name));
                if (_socket.Send(request) != request.Length) throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
                _owner.Loop.Attend(_socket.SafeHandle, Receive);
            }
            catch (SocketException exception)
            {
                Refuse($"the manager at {_owner.Manager} is not to be reached ({exception.SocketErrorCode}); is it running, with --host {_owner.Manager}?");
            }
        }

        private void Receive()
        {
            int received = _socket!.Receive(_answer.AsSpan(_length), SocketFlags.None, out SocketError error);
            if (error is SocketError.WouldBlock or SocketError.TimedOut) return;
            if (error != SocketError.Success || received == 0)
            {
                Refuse($"the manager at {_owner.Manager} closes the connection; its log says why");
                return;
            }

            _length += received;
            if (_length < AnswerLength) return;
            if (!TpmMessage.IsWhole(_answer) || TpmMessage.ReadTag(_answer) != TpmTag.VtpmRsp) Refuse($"what answers at {_owner.Manager} is no manager for a backend domain");
            else if (TpmMessage.ReadResult(_answer) is var result && result != TpmResult.Success) Refuse($"the manager refuses this vTPM with TPM_{result}; its log says why");
            else Hand();
        }

        private void Hand()
        {
            IsDone = true;
            _owner.Loop.Disregard(_socket!.SafeHandle);
            _done(_socket, "");
        }

        private static byte[] Request(Guid uuid, string? label)
        {
            byte[] introduction = WireFormat.ToBytes(new VtpmIntroduceRequest { Uuid = uuid, Label = Encoding.UTF8.GetBytes(label ?? "") });
            var header = new TpmHeader { Tag = TpmTag.VtpmReq, ParamSize = (uint)(TpmHeader.Size + introduction.Length), Code = (uint)VtpmManagerOrdinal.Introduce };
            return [.. WireFormat.ToBytes(header), .. introduction];
        }
    }

    private Tpmback Loop => loop;

    private TpmAddress Manager => manager;
}
