using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// What every command shares, once: framing, tag and session count, availability, parameter digests, nonces, response HMACs, and what a failure
/// leaves behind. Re-entrant: it is a function of the state it is given.
/// </summary>
internal sealed class CommandPipeline(TpmPlatform platform, CommandTable commands)
{
    public const int HeaderSize = 10;

    public TpmPlatform Platform => platform;

    public CommandTable Commands => commands;

    /// <summary>Executes one command, which may have come in a transport session: writes the response, returns the state proposed.</summary>
    public TpmState Execute(
        TpmState state, ReadOnlySpan<byte> request, int locality, Span<byte> response, out int responseLength, TransportSession? carrier = null)
    {
        if (ReadHeader(request, out int sessions, out TpmOrdinal ordinal).Failed(out TpmResult error)
            || commands.Find(ordinal, out TpmCommand command).Failed(out error)
            || CheckAvailability(command.Traits, sessions, state).Failed(out error)
            || Split(request, command.Traits, sessions, out ReadOnlySpan<byte> parameters, out ReadOnlySpan<byte> trailer).Failed(out error))
        {
            responseLength = WriteError(response, error);
            return carrier is null ? WithoutExclusive(state, default) : state;
        }

        if (carrier is null) state = WithoutExclusive(state, command.Traits.Transport == TransportRole.Uses ? trailer : default);

        // Whatever else happens, a command that does not carry the SHA-1 thread on ends it; those that complete it have it from the context.
        Sha1Thread? sha1Thread = state.Sha1Thread;
        if (state.Sha1Thread is not null && !command.Traits.KeepsSha1Thread) state = state with { Sha1Thread = null };

        if (ReadAuthBlocks(state, command.Traits, trailer, sessions, out AuthBlock[] auths).Failed(out error))
        {
            responseLength = WriteError(response, error);
            return WithoutSessions(state, auths, error);
        }

        var tpm = new CommandContext(this, state, command, locality, carrier, auths) { Sha1Thread = sha1Thread };
        try
        {
            bool isDigested = sessions > 0 || tpm.IsAudited;
            if (isDigested) tpm.InParamDigest = ParamDigest(request.Slice(6, 4), default, parameters[(4 * command.Traits.InHandles)..]);
            TpmResult result = Run(tpm, parameters, response, out responseLength);
            if (result == TpmResult.Success) return AfterSuccess(state, tpm);
            responseLength = WriteError(response, result);
            return tpm.AfterFailure(WithoutSessions(state, auths, result));
        }
        finally
        {
            tpm.Scratch.Clear();
        }
    }

    /// <summary>A response that says no more than <paramref name="result"/>: 10 bytes.</summary>
    public static int WriteError(Span<byte> response, TpmResult result)
    {
        WriteHeader(response, TpmTag.RspCommand, HeaderSize, result);
        return HeaderSize;
    }

    private TpmResult ReadHeader(ReadOnlySpan<byte> request, out int sessions, out TpmOrdinal ordinal)
    {
        sessions = 0;
        ordinal = 0;
        // TPM_CAP_PROP_INPUT_BUFFER. A socket carries a few bytes more than Xen's page does.
        if (request.Length > platform.Profile.InputBufferSize) return TpmResult.BadParamSize;
        if (request.Length < HeaderSize || BinaryPrimitives.ReadUInt32BigEndian(request[2..]) != request.Length) return TpmResult.BadParamSize;
        int tag = BinaryPrimitives.ReadUInt16BigEndian(request);
        if (tag is < (int)TpmTag.RquCommand or > (int)TpmTag.RquAuth2Command) return TpmResult.BadTag;
        sessions = tag - (int)TpmTag.RquCommand;
        ordinal = (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request[6..]);
        return TpmResult.Success;
    }

    /// <summary>Part 2 §17, whose columns override the action lists; Part 2 §7.1-§7.3 say which flag answers what.</summary>
    private static TpmResult CheckAvailability(CommandTraits traits, int sessions, TpmState state)
    {
        if (state.Failed && !traits.Availability.HasFlag(Availability.Failed)) return TpmResult.FailedSelfTest;
        // What a failed TPM still answers, it answers before TPM_Startup too: it will never get one (Part 3 §3.2).
        if (!state.Failed && state.StAnyFlags.PostInitialise && !traits.Availability.HasFlag(Availability.PostInit)) return TpmResult.InvalidPostInit;
        if (!traits.Allows(sessions)) return TpmResult.BadTag;
        if (state.Permanent.Flags.Disable && !traits.Availability.HasFlag(Availability.Disabled)) return TpmResult.Disabled;
        if (state.StClearFlags.Deactivated && !traits.Availability.HasFlag(Availability.Deactivated)) return TpmResult.Deactivated;
        if (state.Permanent.Data.OwnerAuth is null && !traits.Availability.HasFlag(Availability.NoOwner)) return TpmResult.NoSrk;
        return TpmResult.Success;
    }

    /// <summary>Handles and parameters on one side, authorization blocks on the other.</summary>
    private static TpmResult Split(
        ReadOnlySpan<byte> request, CommandTraits traits, int sessions, out ReadOnlySpan<byte> parameters, out ReadOnlySpan<byte> trailer)
    {
        int end = request.Length - sessions * AuthBlockWire.RequestSize;
        bool fits = end >= HeaderSize + 4 * traits.InHandles;
        parameters = fits ? request[HeaderSize..end] : default;
        trailer = fits ? request[end..] : default;
        return fits ? TpmResult.Success : TpmResult.BadParamSize;
    }

    /// <summary>
    /// An exclusive transport session ends with any command but those that use it, whatever becomes of that command (Part 1 §18.3 rule 2).
    /// </summary>
    /// <param name="state">The state that the command meets.</param>
    /// <param name="trailer">The authorization blocks of a command that uses a transport session: the last one names it.</param>
    private static TpmState WithoutExclusive(TpmState state, ReadOnlySpan<byte> trailer)
    {
        if (state.Transports.Count == 0) return state;
        uint used = trailer.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32BigEndian(trailer[^AuthBlockWire.RequestSize..]);
        HandleTable<TransportSession> left = state.Transports.Without(transport => transport.IsExclusive && transport.Handle != used);
        return left == state.Transports ? state : state with { Transports = left };
    }

    private static TpmResult ReadAuthBlocks(TpmState state, CommandTraits traits, ReadOnlySpan<byte> trailer, int count, out AuthBlock[] auths)
    {
        // All blocks are read, also behind one that is wrong: every session of a command that fails ends (Part 1 §26).
        auths = [];
        TpmResult error = TpmResult.Success;
        for (int i = 0; i < count; i++)
        {
            bool isTransport = traits.Transport == TransportRole.Uses && i == count - 1;
            TpmResult result = WireFormat.Read(trailer.Slice(i * AuthBlockWire.RequestSize, AuthBlockWire.RequestSize), out AuthBlockWire wire);
            AuthSession? session = isTransport ? state.Transports.Find(wire.AuthHandle)?.Auth : state.Sessions.Find(wire.AuthHandle);
            // One session cannot stand for two authorizations: its nonce would be used twice.
            bool isUsable = session is not null && !Array.Exists(auths, auth => auth.Session == session);
            if (result == TpmResult.Success && !isUsable) result = TpmResult.InvalidAuthHandle;
            if (error == TpmResult.Success) error = result;
            if (isUsable) auths = [.. auths, new AuthBlock(wire, session!)];
        }

        return error;
    }

    private static TpmResult Run(CommandContext tpm, ReadOnlySpan<byte> parameters, Span<byte> response, out int responseLength)
    {
        responseLength = 0;
        int trailerSize = tpm.Auths.Count * AuthBlockWire.ResponseSize;
        var writer = new WireWriter(response[HeaderSize..^trailerSize]);
        tpm.ResponseRoom = response.Length - HeaderSize - trailerSize;
        TpmResult result = tpm.Command.Run(tpm, parameters, ref writer);
        if (result != TpmResult.Success) return result;
        // Fail closed: a session that was presented and that the command did not verify authorizes nothing.
        if (!tpm.AllVerified) return TpmResult.Fail;

        int end = HeaderSize + writer.Length;
        responseLength = end + trailerSize;
        WriteHeader(response, (TpmTag)((int)TpmTag.RspCommand + tpm.Auths.Count), responseLength, TpmResult.Success);
        if (tpm.Auths.Count == 0 && !tpm.IsAudited) return TpmResult.Success;

        Span<byte> ordinal = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(ordinal, (uint)tpm.Command.Traits.Ordinal);
        TpmDigest outParamDigest = tpm.OutParamDigest
            ?? ParamDigest(response.Slice(6, 4), ordinal, response[(HeaderSize + 4 * tpm.Command.Traits.OutHandles)..end]);
        if (tpm.IsAudited) tpm.AuditSuccess(outParamDigest);
        for (int i = 0; i < tpm.Auths.Count; i++)
            AnswerAuth(tpm, tpm.Auths[i], outParamDigest, response.Slice(end + i * AuthBlockWire.ResponseSize, AuthBlockWire.ResponseSize));
        return TpmResult.Success;
    }

    /// <summary>nonceEven, continueAuthSession and the response's HMAC; the session goes on with the new nonce, or ends (Part 1 §13.2).</summary>
    private static void AnswerAuth(CommandContext tpm, AuthBlock auth, in TpmDigest outParamDigest, Span<byte> block)
    {
        bool isTransport = auth.Session.Protocol == TpmProtocolId.Transport;
        uint handle = auth.Session.Handle;
        bool isOpen = isTransport ? tpm.State.Transports.Find(handle) is not null : tpm.State.Sessions.Find(handle) is not null;
        bool goesOn = auth.Continue && isOpen;
        TpmNonce nonceEven = auth.NextNonceEven ?? tpm.NewNonce();
        nonceEven.ReadOnlySpan.CopyTo(block);
        block[TpmNonce.Size] = goesOn ? (byte)1 : (byte)0;
        AuthBlock.Hmac(auth.ResponseKey!.Span, outParamDigest, nonceEven, auth.NonceOdd, goesOn, block[(TpmNonce.Size + 1)..]);
        AuthSession rolled = auth.Session with { NonceEven = nonceEven };
        tpm.State = isTransport
            ? tpm.State with { Transports = goesOn ? Rolled(tpm.State.Transports, rolled) : tpm.State.Transports.Remove(rolled.Handle) }
            : tpm.State with { Sessions = goesOn ? tpm.State.Sessions.Replace(rolled) : tpm.State.Sessions.Remove(rolled.Handle) };
    }

    private static HandleTable<TransportSession> Rolled(HandleTable<TransportSession> transports, AuthSession rolled) =>
        transports.Replace(transports.Find(rolled.Handle)! with { Auth = rolled });

    /// <summary>
    /// A state that TPM_SaveState has kept is worth nothing once what it kept has changed: a later TPM_Startup(ST_STATE) would undo a measurement.
    /// </summary>
    private static TpmState AfterSuccess(TpmState before, CommandContext tpm)
    {
        TpmState after = tpm.State;
        SavedState? kept = after.Permanent.SavedState;
        bool isStale = kept is not null && kept == before.Permanent.SavedState
            && (after.Pcrs != before.Pcrs || after.Keys != before.Keys
                || after.StClearFlags != before.StClearFlags || after.StClearData != before.StClearData);
        return isStale ? after with { Permanent = after.Permanent with { SavedState = null } } : after;
    }

    /// <summary>
    /// A failure ends the sessions of its command, unless the error is not fatal or the command's size was wrong (Part 2 §16). Once an HMAC was
    /// verified the command had its size: a session that went on with the same nonce would let the command be sent again, by anybody who saw it.
    /// </summary>
    private static TpmState WithoutSessions(TpmState before, AuthBlock[] auths, TpmResult result)
    {
        bool isWrongSize = result == TpmResult.BadParamSize && !Array.Exists(auths, auth => auth.Verified);
        bool endsSessions = auths.Length > 0 && result < TpmResult.Retry && !isWrongSize;
        if (!endsSessions) return before;
        return before with
        {
            Sessions = before.Sessions.Without(session => Array.Exists(auths, auth => auth.Session == session)),
            Transports = before.Transports.Without(transport => Array.Exists(auths, auth => auth.Session == transport.Auth)),
        };
    }

    private static void WriteHeader(Span<byte> response, TpmTag tag, int length, TpmResult result)
    {
        BinaryPrimitives.WriteUInt16BigEndian(response, (ushort)tag);
        BinaryPrimitives.WriteInt32BigEndian(response[2..], length);
        BinaryPrimitives.WriteUInt32BigEndian(response[6..], (uint)result);
    }

    /// <summary>SHA-1(ordinal || parameters) of a request, SHA-1(returnCode || ordinal || parameters) of a response (Part 1 §25).</summary>
    private static TpmDigest ParamDigest(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> parameters)
    {
        int length = first.Length + second.Length + parameters.Length;
        Span<byte> input = length <= 4200 ? stackalloc byte[4200] : new byte[length];
        first.CopyTo(input);
        second.CopyTo(input[first.Length..]);
        parameters.CopyTo(input[(first.Length + second.Length)..]);
        TpmDigest digest = default;
        SHA1.HashData(input[..length], digest.Span);
        // The parameters may hold secrets, and of an encrypted transport session all do.
        CryptographicOperations.ZeroMemory(input[..length]);
        return digest;
    }
}
