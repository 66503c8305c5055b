using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>TPM_ExecuteTransport around TPM_GetRandom(32), in one session for all calls: what a wrapping costs.</summary>
internal sealed class TransportOperation : Operation
{
    private readonly byte[] _wrapped = Workbench.Command(TpmOrdinal.GetRandom, Workbench.Numbers(32));
    private readonly TestTransport _transport;
    private ushort _calls;

    public TransportOperation(Workbench bench, TpmTransportAttributes attributes) : base(bench)
    {
        var srk = new WellKnownSession(bench);
        TpmPubKey srkPub = srk.ReadPublicKey(TpmOrdinal.OwnerReadInternalPub, Workbench.Numbers(TpmKeyHandle.Srk));
        byte[] secret = TestTpm.EncryptOaep(srkPub, WireFormat.ToBytes(new TpmTransportAuth { AuthData = new TpmAuthData(TestTpm.TransportAuth) }));
        TpmTransportPublic transPublic = TestTpm.Transport(attributes);
        byte[] parameters = [.. WireFormat.ToBytes(transPublic), .. Workbench.Numbers((uint)secret.Length), .. secret];
        ReadOnlySpan<byte> response = srk.Send(TpmOrdinal.EstablishTransport, Workbench.Numbers(TpmKeyHandle.Srk), parameters);
        if (WireFormat.Read(response, out EstablishTransportResponse session) != TpmResult.Success)
            throw new BenchException("the answer to TPM_EstablishTransport is malformed");
        _transport = new TestTransport
        {
            Handle = session.TransHandle,
            AuthData = TestTpm.TransportAuth,
            Public = transPublic,
            NonceEven = session.TransNonceEven,
        };
    }

    public override TpmOrdinal[] Ordinals { get; } = [TpmOrdinal.ExecuteTransport];

    public override void Call(int call)
    {
        byte[] request = _transport.Wrap(_wrapped, bareIn: 0, pubKeyHash: default, TestTpm.Nonce(_calls++));
        byte[] answer = Bench.Send(request).ToArray();
        if (TestTpm.ResultOf(_transport.Unwrap(answer, TpmOrdinal.GetRandom, bareOut: 0)) is var result && result != TpmResult.Success)
            throw new BenchException($"TPM_GetRandom was answered {result} in a transport session");
    }
}
