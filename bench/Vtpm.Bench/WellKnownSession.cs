using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>
/// An OIAP session for owner and storage root key, who both have the well-known secret, and for commands that the client does not have. One for all
/// of them: opening it is no part of what is measured.
/// </summary>
internal sealed class WellKnownSession
{
    private readonly Workbench _bench;
    private readonly byte[] _handle;
    private TpmNonce _nonceEven;

    public WellKnownSession(Workbench bench)
    {
        _bench = bench;
        ReadOnlySpan<byte> session = bench.Send(Workbench.Command(TpmOrdinal.Oiap, []));
        _handle = session.Slice(TpmHeader.Size, sizeof(uint)).ToArray();
        _nonceEven = new TpmNonce(session.Slice(TpmHeader.Size + sizeof(uint), TpmNonce.Size));
    }

    /// <returns>The response's parameters, until the next command.</returns>
    public ReadOnlySpan<byte> Send(TpmOrdinal ordinal, ReadOnlySpan<byte> handles, ReadOnlySpan<byte> parameters)
    {
        byte[] nonceOdd = RandomNumberGenerator.GetBytes(TpmNonce.Size);
        byte[] digest = SHA1.HashData([.. Workbench.Numbers((uint)ordinal), .. parameters]);
        byte[] hmac = HMACSHA1.HashData(_bench.WellKnown.Span, (byte[])[.. digest, .. _nonceEven.ReadOnlySpan, .. nonceOdd, 1]);
        byte[] request = Workbench.Command(ordinal, [.. handles, .. parameters, .. _handle, .. nonceOdd, 1, .. hmac]);
        BinaryPrimitives.WriteUInt16BigEndian(request, (ushort)TpmTag.RquAuth1Command);
        ReadOnlySpan<byte> response = _bench.Send(request);
        int end = response.Length - TpmNonce.Size - 1 - TpmAuthData.Size;
        _nonceEven = new TpmNonce(response.Slice(end, TpmNonce.Size));
        return response[TpmHeader.Size..end];
    }

    /// <summary>A command that answers with a TPM_PUBKEY.</summary>
    public TpmPubKey ReadPublicKey(TpmOrdinal ordinal, ReadOnlySpan<byte> parameters) =>
        WireFormat.Read(Send(ordinal, [], parameters), out TpmPubKey key) == TpmResult.Success
            ? key
            : throw new BenchException($"{ordinal} answered no public key");
}
