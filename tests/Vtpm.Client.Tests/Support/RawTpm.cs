using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Client.Tests.Support;

/// <summary>Any TPM with an owner, commanded by bytes that the test kit makes: for what the client has no methods for, transport sessions and handles in answers.</summary>
internal sealed class RawTpm(HardwareKind kind) : IDisposable
{
    private readonly OwnedTpm _owned = new(kind);
    private readonly byte[] _response = new byte[Tpm12.MaxResponseSize];

    public static byte[] Owner { get; } = SHA1.HashData("owner"u8);

    public TpmClient Client => _owned.Tpm;

    public TpmSecret Srk => _owned.Srk;

    public byte[] Exchange(ReadOnlySpan<byte> request)
    {
        int length = Client.Transmit(request, _response, out _);
        return _response[..length];
    }

    public TpmResult Send<TRequest, TResponse>(TpmCommand<TRequest, TResponse> command, TRequest request, out TResponse response, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        byte[] answer = Exchange(TestTpm.Request(command, request, auths));
        response = default;
        TpmResult result = TestTpm.ResultOf(answer);
        if (result == TpmResult.Success && WireFormat.Read(answer.AsSpan(10..^(41 * auths.Length)), out response) != TpmResult.Success)
            throw new InvalidOperationException("the response is malformed");
        return result;
    }

    public TestAuth Oiap(byte[] secret)
    {
        if (Send(new Oiap(), default, out OiapResponse response) is var result and not TpmResult.Success) throw new TpmErrorException(TpmOrdinal.Oiap, result);
        return new TestAuth { Handle = response.AuthHandle, NonceEven = response.NonceEven, NonceOdd = NewNonce(), Key = secret };
    }

    /// <summary>TPM_EstablishTransport, its secret encrypted for the SRK or in the clear.</summary>
    public TestTransport Establish(TpmTransportPublic transPublic, bool inTheClear = false)
    {
        byte[] secret = TestTpm.TransportAuth;
        if (!inTheClear)
        {
            TpmPubKey srk;
            using (TpmSession owner = Client.Oiap(_owned.Owner)) srk = Client.OwnerReadInternalPub(TpmKeyHandle.Srk, owner);
            secret = TestTpm.EncryptOaep(srk, WireFormat.ToBytes(new TpmTransportAuth { AuthData = new TpmAuthData(secret) }));
        }

        var request = new EstablishTransportRequest { EncHandle = inTheClear ? TpmKeyHandle.Transport : TpmKeyHandle.Srk, TransPublic = transPublic, Secret = secret };
        TpmResult result = Send(new EstablishTransport(), request, out EstablishTransportResponse response, inTheClear ? [] : [Oiap(TestTpm.WellKnown)]);
        return result == TpmResult.Success ? TestTransport.Of(request, response) : throw new TpmErrorException(TpmOrdinal.EstablishTransport, result);
    }

    /// <summary>A command in a transport session: the result of TPM_ExecuteTransport, and of the command when that is TPM_SUCCESS.</summary>
    public (TpmResult Outer, TpmResult Inner) Wrapped<TRequest, TResponse>(
        TestTransport transport, TpmCommand<TRequest, TResponse> command, TRequest request, out TResponse response, TpmDigest pubKeyHash = default, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        response = default;
        byte[] answer = Exchange(transport.Wrap(TestTpm.Request(command, request, auths), command.Traits.BareIn, pubKeyHash, NewNonce()));
        if (TestTpm.ResultOf(answer) is var outer and not TpmResult.Success) return (outer, outer);
        byte[] inner = transport.Unwrap(answer, command.Traits.Ordinal, command.Traits.BareOut);
        TpmResult result = TestTpm.ResultOf(inner);
        if (result == TpmResult.Success && WireFormat.Read(inner.AsSpan(10..^(41 * auths.Length)), out response) != TpmResult.Success)
            throw new InvalidOperationException("the response is malformed");
        return (TpmResult.Success, result);
    }

    public static TpmNonce NewNonce() => new(RandomNumberGenerator.GetBytes(TpmNonce.Size));

    public void Dispose() => _owned.Dispose();
}
