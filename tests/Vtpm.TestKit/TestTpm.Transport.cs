using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Transport sessions.</content>
public sealed partial class TestTpm
{
    /// <summary>The secret of the transport sessions that tests open.</summary>
    public static byte[] TransportAuth { get; } = SHA1.HashData("transport"u8);

    public static TpmTransportPublic Transport(
        TpmTransportAttributes attributes, TpmAlgorithmId algId = TpmAlgorithmId.Mgf1, TpmEncScheme encScheme = TpmEncScheme.None) =>
        new() { TransAttributes = attributes, AlgId = algId, EncScheme = encScheme };

    /// <summary>A request of TPM_EstablishTransport whose secret is encrypted for a loaded key or the SRK; in the clear for TPM_KH_TRANSPORT.</summary>
    public EstablishTransportRequest TransportRequest(in TpmTransportPublic transPublic, uint encHandle)
    {
        byte[] secret = TransportAuth;
        if (encHandle != TpmKeyHandle.Transport)
        {
            LoadedKey key = State.Keys.Find(encHandle) ?? State.Permanent.Data.Srk!;
            secret = EncryptOaep(key.Key.ToPubKey(), WireFormat.ToBytes(new TpmTransportAuth { AuthData = new TpmAuthData(TransportAuth) }));
        }

        return new EstablishTransportRequest { EncHandle = encHandle, TransPublic = transPublic, Secret = secret };
    }

    /// <summary>Opens a transport session, by a secret in the clear or encrypted for a key.</summary>
    public TestTransport EstablishTransport(in TpmTransportPublic transPublic, uint encHandle = TpmKeyHandle.Transport, byte[]? keyAuth = null)
    {
        EstablishTransportRequest request = TransportRequest(transPublic, encHandle);
        EstablishTransportResponse response = keyAuth is null
            ? Send(new EstablishTransport(), request)
            : Send(new EstablishTransport(), request, Oiap(keyAuth));
        return TestTransport.Of(request, response);
    }

    /// <summary>Sends bytes that <see cref="TestTransport"/> has made.</summary>
    public byte[] SendWrapped(TestTransport transport, byte[] request)
    {
        Sending?.Invoke(new SentCommand(State, Locality, request, [transport.AuthData]));
        return Execute(request);
    }

    /// <summary>Executes a command in a transport session; both its own HMACs and the session's are checked.</summary>
    /// <returns>The result of TPM_ExecuteTransport, and of the command when that is TPM_SUCCESS.</returns>
    public (TpmResult Outer, TpmResult Inner) TryExecuteWrapped<TRequest, TResponse>(
        TestTransport transport, TpmCommand<TRequest, TResponse> command, TRequest request, out TResponse response, TpmDigest pubKeyHash = default, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        response = default;
        byte[] answer = SendWrapped(transport, transport.Wrap(Request(command, request, auths), command.Traits.BareIn, pubKeyHash, NewNonce()));
        if (ResultOf(answer) is var outer and not TpmResult.Success) return (outer, outer);
        byte[] inner = transport.Unwrap(answer, command.Traits.Ordinal, command.Traits.BareOut);
        if (ResultOf(inner) is var result and not TpmResult.Success) return (TpmResult.Success, result);
        int end = inner.Length - 41 * auths.Length;
        if (WireFormat.Read(inner.AsSpan(10, end - 10), out response) != TpmResult.Success) throw new InvalidOperationException("the response is malformed");
        CheckAuths(command.Traits, inner, end, auths);
        return (TpmResult.Success, TpmResult.Success);
    }

    /// <inheritdoc cref="TryExecuteWrapped"/>
    public TResponse ExecuteWrapped<TRequest, TResponse>(
        TestTransport transport, TpmCommand<TRequest, TResponse> command, TRequest request, TpmDigest pubKeyHash = default, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        (TpmResult outer, TpmResult inner) = TryExecuteWrapped(transport, command, request, out TResponse response, pubKeyHash, auths);
        if (outer != TpmResult.Success) throw new TpmErrorException(TpmOrdinal.ExecuteTransport, outer);
        return inner == TpmResult.Success ? response : throw new TpmErrorException(command.Traits.Ordinal, inner);
    }
}
