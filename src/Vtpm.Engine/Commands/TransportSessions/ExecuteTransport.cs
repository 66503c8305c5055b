using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.TransportSessions;

public struct ExecuteTransportRequest : IWireStructure<ExecuteTransportRequest>
{
    public ReadOnlyMemory<byte> WrappedCmd;

    public static void Describe<TCodec>(ref TCodec wire, ref ExecuteTransportRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.WrappedCmd);
}

public struct ExecuteTransportResponse : IWireStructure<ExecuteTransportResponse>
{
    public const int FixedSize = 16;

    public ulong CurrentTicks;
    public uint Locality;
    public ReadOnlyMemory<byte> WrappedRsp;

    public static void Describe<TCodec>(ref TCodec wire, ref ExecuteTransportResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt64(ref value.CurrentTicks);
        wire.UInt32(ref value.Locality);
        wire.Sized32(ref value.WrappedRsp);
    }
}

/// <summary>
/// <c>TPM_ExecuteTransport</c>, Part 3 §24.2: executes a command that came in a transport session. The names H1, H2, C2 and S2 are those of its
/// action list.
/// </summary>
public sealed class ExecuteTransport()
    : TpmCommand<ExecuteTransportRequest, ExecuteTransportResponse>(
        TpmOrdinal.ExecuteTransport, Sessions.One, Availability.Owned, Duration.Long,
        keepsSha1Thread: true, secretRequest: true, transport: TransportRole.Uses)
{
    protected override TpmResult Execute(CommandContext tpm, in ExecuteTransportRequest request, ref ExecuteTransportResponse response)
    {
        TransportSession transport = tpm.PresentedTransport;
        AuthBlock auth = tpm.Auths[0];
        byte[] wrappedCmd = tpm.CopyToScratch(request.WrappedCmd.Span);
        if (WrappedCommand.Parse(tpm.Commands, wrappedCmd, out WrappedCommand wrapped).Failed(out TpmResult error)) return error;

        TransportCipher.Crypt(tpm, transport, auth.Session.NonceEven, auth.NonceOdd, TransportCipher.In, wrapped.Data);
        TpmDigest h1 = tpm.Hash(wrapped.Ordinal, wrapped.Data);
        tpm.InParamDigest = InParamDigest(request.WrappedCmd.Length, h1);
        if (tpm.AuthorizeTransport().Failed(out error)) return error;
        if (tpm.IsAudited) tpm.AuditInput(h1);
        if (!wrapped.Command.Traits.IsTransportable) return NoWrapTransport;
        if (transport.Logs)
        {
            if (wrapped.HashKeys(tpm, out TpmDigest pubKeyHash).Failed(out error)) return error;
            transport = transport.Log(new TpmTransportLogIn { Parameters = h1, PubKeyHash = pubKeyHash });
        }

        // Action 11.
        Memory<byte> c2 = tpm.Scratch.Allocate(tpm.ResponseRoom - ExecuteTransportResponse.FixedSize);
        c2 = c2[..tpm.ExecuteWrapped(wrapped.Bytes, transport, c2.Span)];
        response = Answer(tpm, transport, wrapped, c2);
        return Success;
    }

    /// <summary>Actions 12 to 18 and 21: the answer <paramref name="c2"/> is digested, logged and encrypted.</summary>
    private ExecuteTransportResponse Answer(CommandContext tpm, TransportSession transport, in WrappedCommand wrapped, Memory<byte> c2)
    {
        TpmCurrentTicks ticks = tpm.CurrentTicks;
        uint locality = (uint)tpm.Locality;
        Span<byte> s2 = wrapped.DataOf(c2.Span);
        TpmDigest h2 = tpm.Hash(c2.Span.Slice(6, sizeof(uint)), wrapped.Ordinal, s2);
        tpm.OutParamDigest = OutParamDigest(ticks.CurrentTicks, locality, c2.Length, h2);
        tpm.AuditedOutput = h2;
        if (transport.Logs) transport = transport.Log(new TpmTransportLogOut { Parameters = h2, CurrentTicks = ticks, Locality = locality });
        // A command that has ended the session (description 7) has had its way.
        if (tpm.State.Transports.Find(transport.Handle) is not null)
            tpm.State = tpm.State with { Transports = tpm.State.Transports.Replace(transport) };

        TpmNonce nonceEven = tpm.NewNonce();
        tpm.Auths[0].NextNonceEven = nonceEven;
        TransportCipher.Crypt(tpm, transport, nonceEven, tpm.Auths[0].NonceOdd, TransportCipher.Out, s2);
        return new ExecuteTransportResponse { CurrentTicks = ticks.CurrentTicks, Locality = locality, WrappedRsp = c2 };
    }

    /// <summary>Action 7a.</summary>
    private TpmDigest InParamDigest(int wrappedCmdSize, in TpmDigest h1)
    {
        Span<byte> bytes = stackalloc byte[8 + TpmDigest.Size];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Traits.Ordinal);
        BinaryPrimitives.WriteInt32BigEndian(bytes[4..], wrappedCmdSize);
        h1.ReadOnlySpan.CopyTo(bytes[8..]);
        return TpmDigest.Of(bytes);
    }

    /// <summary>Action 15b.</summary>
    private TpmDigest OutParamDigest(ulong currentTicks, uint locality, int wrappedRspSize, in TpmDigest h2)
    {
        Span<byte> bytes = stackalloc byte[24 + TpmDigest.Size];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Success);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)Traits.Ordinal);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], currentTicks);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[16..], locality);
        BinaryPrimitives.WriteInt32BigEndian(bytes[20..], wrappedRspSize);
        h2.ReadOnlySpan.CopyTo(bytes[24..]);
        return TpmDigest.Of(bytes);
    }
}
