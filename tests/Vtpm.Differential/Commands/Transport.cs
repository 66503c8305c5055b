using System.Security.Cryptography;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>Transport sessions (Part 3 §24).</summary>
public static class Transport
{
    /// <summary>TPM_EstablishTransport, its secret encrypted for a key, or in the clear where there is none.</summary>
    public static CommandStep Establish(int transport, TpmTransportPublic pub, int? key, byte[] secret, SessionUse? auth) =>
        new(
            TpmOrdinal.EstablishTransport,
            $"{pub.TransAttributes} {pub.AlgId} {pub.EncScheme} by {(key is null ? "nobody" : Keys.Name(key.Value))} → transport {transport}")
        {
            Handles = request => request.OwnHandle(key is null ? TpmKeyHandle.Transport : request.Memory.KeyHandle(key.Value)),
            Parameters = request =>
            {
                request.Structure(pub);
                byte[] transportAuth = WireFormat.ToBytes(new TpmTransportAuth { AuthData = new TpmAuthData(secret) });
                request.OwnSized32(key is null ? secret : request.EncryptFor(key.Value, transportAuth));
            },
            Sessions = auth is null ? [] : [auth],
            OutHandles = 1,
            Answer = answer =>
            {
                uint handle = answer.OwnHandle("transHandle");
                answer.UInt32("locality");
                int start = answer.Position;
                Integrity.Ticks(answer);
                WireFormat.Read(answer.Since(start), out TpmCurrentTicks ticks);
                var nonceEven = new TpmNonce(answer.Own("transNonceEven", 20));
                answer.Memory.Transports[transport] =
                    new TestTransport { Handle = handle, AuthData = secret, Public = pub, NonceEven = nonceEven, Ticks = ticks };
                answer.Memory.Sessions[SessionOf(transport)] = new SideSession { Handle = handle, NonceEven = nonceEven };
            },
        };

    /// <summary>TPM_ReleaseTransportSigned: the transport's own authorization is the second.</summary>
    public static CommandStep Release(int transport, int key, byte[] antiReplay, SessionUse auth) =>
        new(TpmOrdinal.ReleaseTransportSigned, $"transport {transport}, signed with {Keys.Name(key)}")
        {
            Handles = request => request.Key(key),
            Parameters = request => request.Literal(antiReplay),
            Sessions = [auth, new SessionUse(SessionOf(transport), Secrets.Transport)],
            Answer = answer =>
            {
                answer.UInt32("locality");
                Integrity.Ticks(answer);
                answer.OwnSized32("signature");
            },
        };

    /// <summary>Makes the transport's authorization a session, for the command that releases it.</summary>
    public static int SessionOf(int transport) => 1_000_000 + transport;

    public static CommandStep Flush(int transport) => Sessions.Flush(
        $"transport {transport}",
        request => request.OwnHandle(request.Memory.Transports.GetValueOrDefault(transport)?.Handle ?? 0x04BAD000),
        TpmResourceType.Trans);
}
