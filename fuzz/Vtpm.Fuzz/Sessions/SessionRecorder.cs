using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// Writes down what a script of the theories sends as a program: finds, without knowing any command, which bytes of a request are pieces of earlier
/// answers, nonces, encrypted secrets and HMACs, and puts tokens in their places. What is encrypted by real RSA becomes transparent.
/// </summary>
public sealed class SessionRecorder
{
    private const int AuthSize = 45;

    /// <summary>A piece of an answer is at least a handle.</summary>
    private const int ShortestPiece = 4;

    /// <summary>The client's first nonces, more than any script takes.</summary>
    private static readonly Dictionary<string, byte[]> Nonces = Enumerable.Range(0, 1024).ToDictionary(
        number => Convert.ToHexString(TestTpm.Nonce((ushort)number).ReadOnlySpan),
        number => Token(TokenKind.Nonce, [(byte)(number >> 8), (byte)number]));

    private readonly List<SessionStep> _steps = [];
    private readonly List<SessionAnswer> _answers = [];
    private readonly TestTpm _tpm;
    private byte[][] _keys = [];
    private TpmState _after;
    private long _now;

    private SessionRecorder()
    {
        _tpm = new TestTpm(TestTpm.EveryCommand, started: false);
        (_after, _now) = (_tpm.State, _tpm.Time.GetTimestamp());
        _tpm.Sending += sent => _keys = sent.Keys;
        _tpm.Executed += Add;
    }

    /// <summary>The program of a script.</summary>
    public static byte[] Record(Action<TestTpm> script)
    {
        var recorder = new SessionRecorder();
        recorder._tpm.Startup();
        script(recorder._tpm);
        uint[] owned = [.. PreparedTpm.Of(SessionStart.Owned).Answers.Select(answer => answer.Ordinal)];
        bool beginsOwned = recorder._steps.Take(owned.Length).Select(step => step.Ordinal).SequenceEqual(owned);
        return beginsOwned
            ? SessionProgram.Write(SessionStart.Owned, recorder._steps.Skip(owned.Length))
            : SessionProgram.Write(SessionStart.PoweredOn, recorder._steps);
    }

    private void Add(ExecutedCommand command)
    {
        // Bytes that a script has made by itself have no keys that are known here.
        int sessions = Math.Clamp(Requests.SessionsOf(command.Request), 0, 2);
        if (_keys.Length != sessions) _keys = [];
        StepControl control = SessionStep.ControlOf(command.Locality, sessions);
        if (command.State.StAnyFlags.PostInitialise && !_after.StAnyFlags.PostInitialise) control |= StepControl.PowerCycle;
        long passed = (_tpm.Time.GetTimestamp() - _now) / TimeSpan.TicksPerSecond;
        if (passed > 0) control |= StepControl.Wait;
        byte wait = (byte)(BitOperations.Log2((ulong)Math.Max(passed, 1)) + 1);
        uint ordinal = (uint)Requests.OrdinalOf(command.Request);
        _steps.Add(new SessionStep(control, wait, ordinal, Encode(command)));
        if (TestTpm.ResultOf(command.Response) == TpmResult.Success) _answers.Add(new SessionAnswer(ordinal, command.Response));
        (_keys, _after, _now) = ([], _tpm.State, _tpm.Time.GetTimestamp());
    }

    private byte[] Encode(ExecutedCommand command)
    {
        List<byte> body = [];
        TransportSession? transport = Requests.OrdinalOf(command.Request) == TpmOrdinal.ExecuteTransport && _keys.Length == 1
            ? command.State.Transports.Find(BinaryPrimitives.ReadUInt32BigEndian(command.Request.AsSpan(^AuthSize)))
            : null;
        if (transport is null)
        {
            EncodeCommand(body, command.State, command.Request, _keys);
            return [.. body];
        }

        byte[] inner = Unwrapped(transport, command.Request);
        body.AddRange(inner.AsSpan(0, sizeof(uint)));
        body.AddRange(inner.AsSpan(0, Requests.HeaderSize));
        EncodeCommand(body, command.State, inner, KeysOf(command.State, inner));
        EncodeAuths(body, command.State, command.Request.AsSpan(^AuthSize), _keys);
        return [.. body];
    }

    /// <summary>Handles, parameters and authorization blocks.</summary>
    private void EncodeCommand(List<byte> body, TpmState state, ReadOnlySpan<byte> request, byte[]?[] keys)
    {
        int end = request.Length - AuthSize * keys.Length;
        EncodeParameters(body, request[Requests.HeaderSize..end], EncAuths(state, request[end..], keys.Length));
        EncodeAuths(body, state, request[end..], keys);
    }

    /// <summary>Authorization blocks; an HMAC whose key is not known stays as it is.</summary>
    private void EncodeAuths(List<byte> body, TpmState state, ReadOnlySpan<byte> trailer, byte[]?[] keys)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            ReadOnlySpan<byte> block = trailer.Slice(AuthSize * i, AuthSize);
            EncodeParameters(body, block[..25], []);
            AuthSession? session = SessionOf(state, block);
            bool isShared = session?.SharedSecret is { } shared && keys[i] is { } key && shared.Span.SequenceEqual(key);
            body.AddRange(keys[i] is null ? block[25..].ToArray() : Token(TokenKind.Hmac, isShared ? [Secrets.OfSession] : Secrets.Select(keys[i]!)));
        }
    }

    private static AuthSession? SessionOf(TpmState state, ReadOnlySpan<byte> block)
    {
        uint handle = BinaryPrimitives.ReadUInt32BigEndian(block);
        return state.Sessions.Find(handle) ?? state.Transports.Find(handle)?.Auth;
    }

    /// <summary>The command in a TPM_ExecuteTransport, in the clear. All encryptions of transport sessions are their own inverses.</summary>
    private byte[] Unwrapped(TransportSession session, byte[] request)
    {
        byte[] wrapped = request[(Requests.HeaderSize + sizeof(uint))..^AuthSize];
        var transport = new TestTransport
        {
            Handle = session.Handle,
            AuthData = session.Auth.SharedSecret!.Span.ToArray(),
            Public = session.Public with { TransAttributes = session.Public.TransAttributes & ~TpmTransportAttributes.Log },
            NonceEven = session.Auth.NonceEven,
        };
        int bareIn = _tpm.Engine.Commands.Find(Requests.OrdinalOf(wrapped), out TpmCommand inner) == TpmResult.Success ? inner.Traits.BareIn : 0;
        byte[] again = transport.Wrap(wrapped, bareIn, default, new TpmNonce(request.AsSpan(request.Length - AuthSize + 4, TpmNonce.Size)));
        return again[(Requests.HeaderSize + sizeof(uint))..^AuthSize];
    }

    /// <summary>The keys of the HMACs of a command that was sent inside another: those of the known secrets that fit.</summary>
    private byte[]?[] KeysOf(TpmState state, byte[] request)
    {
        var keys = new byte[]?[Math.Clamp(Requests.SessionsOf(request), 0, 2)];
        int end = request.Length - AuthSize * keys.Length;
        bool isKnown = _tpm.Engine.Commands.Find(Requests.OrdinalOf(request), out TpmCommand command) == TpmResult.Success;
        int start = Requests.HeaderSize + (isKnown ? 4 * command.Traits.InHandles : 0);
        byte[] digest = SHA1.HashData([.. request[6..10], .. request[start..end]]);
        for (int i = 0; i < keys.Length; i++)
        {
            byte[] block = request[(end + AuthSize * i)..(end + AuthSize * (i + 1))];
            if (SessionOf(state, block) is not { } session) continue;
            byte[] input = [.. digest, .. session.NonceEven.ReadOnlySpan, .. block[4..25]];
            IEnumerable<byte[]> candidates = session.SharedSecret is { } shared ? [shared.Span.ToArray()] : Secrets.All;
            keys[i] = candidates.FirstOrDefault(key => HMACSHA1.HashData(key, input).AsSpan().SequenceEqual(block.AsSpan(25)));
        }

        return keys;
    }

    private void EncodeParameters(List<byte> body, ReadOnlySpan<byte> parameters, Dictionary<string, byte[]> encAuths)
    {
        for (int at = 0; at < parameters.Length;)
        {
            ReadOnlySpan<byte> rest = parameters[at..];
            (byte[] token, int length) = Piece(rest);
            if (length < TpmNonce.Size && rest.Length >= TpmNonce.Size)
            {
                string twenty = Convert.ToHexString(rest[..TpmNonce.Size]);
                byte[]? other = encAuths.GetValueOrDefault(twenty) ?? Nonces.GetValueOrDefault(twenty);
                if (other is not null) (token, length) = (other, TpmNonce.Size);
            }

            if (length == 0 && Ciphertext(rest) is { } ciphertext) (token, length) = (ciphertext, ciphertext.Length);
            if (length == 0) (token, length) = ([rest[0]], 1);
            body.AddRange(token);
            at += length;
        }
    }

    /// <summary>The longest piece of an answer that <paramref name="bytes"/> begin with.</summary>
    private (byte[] Token, int Length) Piece(ReadOnlySpan<byte> bytes)
    {
        (byte[] token, int longest) = ([], 0);
        if (bytes.Length < ShortestPiece || bytes[..ShortestPiece].ToArray().Distinct().Count() < 3) return (token, longest);
        for (int i = _answers.Count - 1; i >= 0; i--)
        {
            byte[] response = _answers[i].Response;
            for (int at = Requests.HeaderSize; ; at++)
            {
                int found = response.AsSpan(Math.Min(at, response.Length)).IndexOf(bytes[..ShortestPiece]);
                if (found < 0) break;
                at += found;
                int length = bytes.CommonPrefixLength(response.AsSpan(at));
                if (length <= longest) continue;
                uint ordinal = _answers[i].Ordinal;
                int back = _answers.Skip(i + 1).Count(answer => (byte)answer.Ordinal == (byte)ordinal);
                if (back > byte.MaxValue) continue;
                longest = length;
                token = Token(TokenKind.Answer, [(byte)ordinal, (byte)back, (byte)(at >> 8), (byte)at, (byte)(length >> 8), (byte)length]);
            }
        }

        return (token, longest);
    }

    /// <summary>A length of a modulus and a real ciphertext of one of the fixed keys: the same with a transparent one.</summary>
    private static byte[]? Ciphertext(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < sizeof(uint)) return null;
        uint size = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (size is not (64 or 128 or 256) || bytes.Length < sizeof(uint) + size) return null;
        byte[]? transparent = TransparentRsa.Transparent(bytes.Slice(sizeof(uint), (int)size));
        return transparent is null ? null : [.. bytes[..sizeof(uint)], .. transparent];
    }

    /// <summary>All that known secrets can look like when they are encrypted for one of the command's sessions.</summary>
    private static Dictionary<string, byte[]> EncAuths(TpmState state, ReadOnlySpan<byte> trailer, int sessions)
    {
        var found = new Dictionary<string, byte[]>();
        for (int i = 0; i < sessions; i++)
        {
            ReadOnlySpan<byte> block = trailer[(AuthSize * i)..];
            if (state.Sessions.Find(BinaryPrimitives.ReadUInt32BigEndian(block)) is not { SharedSecret: { } shared } session) continue;
            var nonceOdd = new TpmNonce(block.Slice(4, TpmNonce.Size));
            var auth = new TestAuth { Handle = session.Handle, NonceEven = session.NonceEven, NonceOdd = nonceOdd, Key = shared.Span.ToArray() };
            foreach (byte[] secret in Secrets.All)
            {
                foreach (bool odd in (ReadOnlySpan<bool>)[false, true])
                {
                    TpmAuthData encAuth = session.AdipScheme == TpmAdipEncScheme.Aes128Ctr
                        ? TestTpm.EncryptAuthAes(auth, secret)
                        : TestTpm.EncryptAuth(auth, secret, odd);
                    byte which = (byte)(i | (odd ? 2 : 0));
                    found[Convert.ToHexString(encAuth.ReadOnlySpan)] = Token(TokenKind.EncAuth, [which, .. Secrets.Select(secret)]);
                }
            }
        }

        return found;
    }

    private static byte[] Token(TokenKind kind, ReadOnlySpan<byte> operands) => [Tokens.Mark0, Tokens.Mark1, (byte)kind, .. operands];
}
