using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>
/// TPM_NV_WriteValue (Part 3 §20.2) by the owner, since writes that nobody answers for are counted and end after 64; and of something new each time,
/// since a TPM may spare itself what changes nothing.
/// </summary>
internal sealed class NvWriteOperation : Operation
{
    private const int HandleSize = sizeof(uint);
    private const int ParametersSize = 3 * sizeof(uint) + Workbench.DataSize;
    private const int BlockStart = TpmHeader.Size + ParametersSize;
    private const int NonceOdd = BlockStart + HandleSize;
    private const int Continue = NonceOdd + TpmNonce.Size;
    private const int Hmac = Continue + 1;

    private readonly byte[] _request;
    private TpmNonce _nonceEven;
    private uint _written;

    public NvWriteOperation(Workbench bench) : base(bench)
    {
        byte[] body = [.. Workbench.Numbers(Workbench.NvIndex, 0, Workbench.DataSize), .. new byte[Workbench.DataSize + HandleSize + TpmNonce.Size + 1 + TpmAuthData.Size]];
        _request = Workbench.Command(TpmOrdinal.NvWriteValue, body);
        BinaryPrimitives.WriteUInt16BigEndian(_request, (ushort)TpmTag.RquAuth1Command);
        // One session for all writes: opening it is no part of them.
        ReadOnlySpan<byte> session = bench.Send(Workbench.Command(TpmOrdinal.Oiap, []));
        session.Slice(TpmHeader.Size, HandleSize).CopyTo(_request.AsSpan(BlockStart));
        _nonceEven = new TpmNonce(session.Slice(TpmHeader.Size + HandleSize, TpmNonce.Size));
        _request[Continue] = 1;
    }

    public override TpmOrdinal[] Ordinals { get; } = [TpmOrdinal.NvWriteValue];

    public override void Call(int call)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_request.AsSpan(BlockStart - sizeof(uint)), ++_written);
        RandomNumberGenerator.Fill(_request.AsSpan(NonceOdd, TpmNonce.Size));
        Authorize();
        // A response without parameters: the session's even nonce comes right after the header.
        _nonceEven = new TpmNonce(Bench.Send(_request).Slice(TpmHeader.Size, TpmNonce.Size));
    }

    /// <summary>HMAC(owner, SHA-1(ordinal || parameters) || nonceEven || nonceOdd || continueAuthSession).</summary>
    private void Authorize()
    {
        Span<byte> input = stackalloc byte[TpmDigest.Size + TpmNonce.Size + TpmNonce.Size + 1];
        SHA1.HashData(_request.AsSpan(TpmHeader.Size - sizeof(uint), sizeof(uint) + ParametersSize), input);
        _nonceEven.ReadOnlySpan.CopyTo(input[TpmDigest.Size..]);
        _request.AsSpan(NonceOdd, TpmNonce.Size + 1).CopyTo(input[(TpmDigest.Size + TpmNonce.Size)..]);
        HMACSHA1.HashData(Bench.WellKnown.Span, input, _request.AsSpan(Hmac));
    }
}
