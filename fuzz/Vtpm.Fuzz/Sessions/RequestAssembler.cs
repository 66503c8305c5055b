using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>An answer that a command of a program was given.</summary>
public sealed record SessionAnswer(uint Ordinal, byte[] Response);

/// <summary>
/// Makes the request of a step: fills in what its tokens stand for, the header, and last what depends on the rest, encrypted secrets and then HMACs.
/// So a mutation of a command is one that its caller has authorized.
/// </summary>
public sealed class RequestAssembler(CommandTable commands)
{
    private const int HeaderSize = 10;
    private const int AuthSize = 45;
    private const int HmacAt = 25;

    /// <summary>TPM_ExecuteTransport: a header, and the size of the command that it wraps.</summary>
    private const int WrappedAt = HeaderSize + sizeof(uint);

    private const int MaxSize = 4200;

    private readonly byte[] _request = new byte[MaxSize];
    private readonly List<(int At, byte Selector, byte[] Literal)> _hmacs = [];
    private readonly List<(int At, byte Which, byte[] Secret)> _encAuths = [];
    private int _length;

    public ReadOnlySpan<byte> Assemble(TpmState state, IReadOnlyList<SessionAnswer> answers, in SessionStep step)
    {
        _length = HeaderSize;
        _hmacs.Clear();
        _encAuths.Clear();
        Expand(state, answers, step.Body);
        BinaryPrimitives.WriteUInt16BigEndian(_request, (ushort)((int)TpmTag.RquCommand + step.Sessions));
        BinaryPrimitives.WriteInt32BigEndian(_request.AsSpan(2), _length);
        BinaryPrimitives.WriteUInt32BigEndian(_request.AsSpan(6), step.Ordinal);
        int end = _length - AuthSize * step.Sessions;
        if (end < HeaderSize) return _request.AsSpan(0, _length);
        if (step.Ordinal == (uint)TpmOrdinal.ExecuteTransport && step.Sessions == 1 && end >= WrappedAt + HeaderSize) Wrap(state, end);
        else Complete(state, origin: 0, end, _length);
        return _request.AsSpan(0, _length);
    }

    /// <summary>
    /// Encrypts secrets and makes HMACs of a command whose header is at <paramref name="origin"/> and whose authorization blocks are at
    /// <paramref name="end"/>.
    /// </summary>
    private void Complete(TpmState state, int origin, int end, int length)
    {
        foreach ((int at, byte which, byte[] secret) in _encAuths)
            if (at >= origin && at < end) EncryptAuth(state, end, length, at, which, secret);
        foreach ((int at, byte selector, byte[] literal) in _hmacs)
            if (at >= end && at < length) Authorize(state, origin, end, length, at, selector, literal);
    }

    /// <summary>Completes the command in a TPM_ExecuteTransport, whose program has it in the clear, and wraps it for its session.</summary>
    private void Wrap(TpmState state, int end)
    {
        Span<byte> wrapped = _request.AsSpan(WrappedAt, end - WrappedAt);
        BinaryPrimitives.WriteInt32BigEndian(_request.AsSpan(HeaderSize), wrapped.Length);
        BinaryPrimitives.WriteInt32BigEndian(wrapped[2..], wrapped.Length);
        int sessions = BinaryPrimitives.ReadUInt16BigEndian(wrapped) - (int)TpmTag.RquCommand;
        int innerEnd = end - AuthSize * sessions;
        int bareIn = commands.Find(Requests.OrdinalOf(wrapped), out TpmCommand inner) == TpmResult.Success ? inner.Traits.BareIn : 0;
        if (sessions is < 0 or > 2 || innerEnd < WrappedAt + HeaderSize + bareIn) return;
        Complete(state, WrappedAt, innerEnd, end);
        if (!_hmacs.Exists(hmac => hmac.At == end + HmacAt)) return;
        if (state.Transports.Find(BinaryPrimitives.ReadUInt32BigEndian(_request.AsSpan(end))) is not { } session) return;
        var transport = new TestTransport
        {
            Handle = session.Handle,
            AuthData = session.Auth.SharedSecret!.Span.ToArray(),
            Public = session.Public,
            NonceEven = session.Auth.NonceEven,
            Continue = _request[end + HmacAt - 1] == 1,
        };
        byte[] request = transport.Wrap(wrapped.ToArray(), bareIn, default, new TpmNonce(_request.AsSpan(end + 4, TpmNonce.Size)));
        request.CopyTo(_request, 0);
    }

    private void Expand(TpmState state, IReadOnlyList<SessionAnswer> answers, ReadOnlySpan<byte> body)
    {
        while (!body.IsEmpty)
        {
            int mark = body.IndexOf([Tokens.Mark0, Tokens.Mark1]);
            Append(mark < 0 ? body : body[..mark]);
            if (mark < 0 || body.Length < mark + Tokens.HeadSize) return;
            var kind = (TokenKind)body[mark + 2];
            body = body[(mark + Tokens.HeadSize)..];
            body = body[Math.Min(Token(state, answers, kind, body), body.Length)..];
        }
    }

    /// <returns>Bytes of the operands.</returns>
    private int Token(TpmState state, IReadOnlyList<SessionAnswer> answers, TokenKind kind, ReadOnlySpan<byte> operands)
    {
        switch (kind)
        {
            case TokenKind.Answer when operands.Length >= 6:
                AppendAnswer(answers, operands);
                return 6;
            case TokenKind.Nonce when operands.Length >= 2:
                Append(TestTpm.Nonce(BinaryPrimitives.ReadUInt16BigEndian(operands)).ReadOnlySpan);
                return 2;
            case TokenKind.EncAuth when operands.Length >= 2:
                byte[] secret = operands[1] == Secrets.Literal ? LiteralSecret(operands[2..]) : Secrets.Of(operands[1]);
                _encAuths.Add((_length, operands[0], secret));
                Append(secret);
                return operands[1] == Secrets.Literal ? 2 + Secrets.Size : 2;
            case TokenKind.Hmac when operands.Length >= 1:
                byte[] literal = operands[0] == Secrets.Literal ? LiteralSecret(operands[1..]) : [];
                _hmacs.Add((_length, operands[0], literal));
                Append(stackalloc byte[TpmAuthData.Size]);
                return operands[0] == Secrets.Literal ? 1 + Secrets.Size : 1;
            case TokenKind.Key when operands.Length >= 1:
                AppendHandle(state.Keys.Items, operands[0]);
                return 1;
            case TokenKind.Session when operands.Length >= 1:
                AppendHandle(state.Sessions.Items, operands[0]);
                return 1;
            default:
                return 0;
        }
    }

    private static byte[] LiteralSecret(ReadOnlySpan<byte> operands)
    {
        byte[] secret = new byte[Secrets.Size];
        operands[..Math.Min(operands.Length, secret.Length)].CopyTo(secret);
        return secret;
    }

    /// <summary>A piece of an answer; what it does not have is zero.</summary>
    private void AppendAnswer(IReadOnlyList<SessionAnswer> answers, ReadOnlySpan<byte> operands)
    {
        int back = operands[1];
        int offset = BinaryPrimitives.ReadUInt16BigEndian(operands[2..]), length = BinaryPrimitives.ReadUInt16BigEndian(operands[4..]);
        ReadOnlySpan<byte> response = default;
        for (int i = answers.Count - 1; i >= 0 && back >= 0; i--)
        {
            if ((byte)answers[i].Ordinal == operands[0] && back-- == 0) response = answers[i].Response;
        }

        ReadOnlySpan<byte> piece = response[Math.Min(offset, response.Length)..];
        piece = piece[..Math.Min(length, piece.Length)];
        Append(piece);
        for (int i = piece.Length; i < Math.Min(length, 64); i++) Append([0]);
    }

    private void AppendHandle<T>(ReadOnlySpan<T> items, int back)
        where T : IHandled
    {
        Span<byte> handle = stackalloc byte[sizeof(uint)];
        if (!items.IsEmpty) BinaryPrimitives.WriteUInt32BigEndian(handle, items[items.Length - 1 - back % items.Length].Handle);
        Append(handle);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, MaxSize - _length)];
        bytes.CopyTo(_request.AsSpan(_length));
        _length += bytes.Length;
    }

    private void EncryptAuth(TpmState state, int end, int length, int at, byte which, byte[] secret)
    {
        int block = end + AuthSize * (which & 1);
        if (at + TpmAuthData.Size > end || block + AuthSize > length) return;
        if (state.Sessions.Find(BinaryPrimitives.ReadUInt32BigEndian(_request.AsSpan(block))) is not { SharedSecret: not null } session) return;
        var auth = new TestAuth
        {
            Handle = session.Handle,
            NonceEven = session.NonceEven,
            NonceOdd = new TpmNonce(_request.AsSpan(block + 4, TpmNonce.Size)),
            Key = session.SharedSecret.Span.ToArray(),
        };
        TpmAuthData encAuth = session.AdipScheme == TpmAdipEncScheme.Aes128Ctr
            ? TestTpm.EncryptAuthAes(auth, secret)
            : TestTpm.EncryptAuth(auth, secret, odd: (which & 2) != 0);
        encAuth.ReadOnlySpan.CopyTo(_request.AsSpan(at));
    }

    private void Authorize(TpmState state, int origin, int end, int length, int at, byte selector, byte[] literal)
    {
        int block = at - HmacAt;
        TpmOrdinal ordinal = Requests.OrdinalOf(_request.AsSpan(origin));
        int inHandles = commands.Find(ordinal, out TpmCommand command) == TpmResult.Success ? command.Traits.InHandles : 0;
        int start = origin + HeaderSize + 4 * inHandles;
        if (block < end || at + TpmAuthData.Size > length || start > end) return;
        uint handle = BinaryPrimitives.ReadUInt32BigEndian(_request.AsSpan(block));
        AuthSession? session = state.Sessions.Find(handle) ?? state.Transports.Find(handle)?.Auth;
        ReadOnlySpan<byte> key = selector switch
        {
            Secrets.OfSession => session?.SharedSecret is { } shared ? shared.Span : default,
            Secrets.Literal => literal,
            _ => Secrets.Of(selector),
        };
        Span<byte> input = stackalloc byte[20 + TpmNonce.Size + TpmNonce.Size + 1];
        using (var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1))
        {
            sha1.AppendData(_request, origin + 6, 4);
            sha1.AppendData(_request, start, end - start);
            sha1.GetHashAndReset(input);
        }

        session?.NonceEven.ReadOnlySpan.CopyTo(input[20..]);
        _request.AsSpan(block + 4, TpmNonce.Size + 1).CopyTo(input[(20 + TpmNonce.Size)..]);
        HMACSHA1.HashData(key, input, _request.AsSpan(at));
    }
}
