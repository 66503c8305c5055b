using System.Buffers.Binary;
using System.Numerics;
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
        int end = command.Request.Length - AuthSize * _keys.Length;
        Dictionary<string, byte[]> encAuths = EncAuths(command.State, command.Request.AsSpan(end));
        List<byte> body = [];
        EncodeParameters(body, command.Request.AsSpan(Requests.HeaderSize, end - Requests.HeaderSize), encAuths);
        for (int i = 0; i < _keys.Length; i++)
        {
            ReadOnlySpan<byte> block = command.Request.AsSpan(end + AuthSize * i, AuthSize);
            EncodeParameters(body, block[..25], []);
            AuthSession? session = command.State.Sessions.Find(BinaryPrimitives.ReadUInt32BigEndian(block));
            bool isShared = session?.SharedSecret is { } shared && shared.Span.SequenceEqual(_keys[i]);
            body.AddRange(Token(TokenKind.Hmac, isShared ? [Secrets.OfSession] : Secrets.Select(_keys[i])));
        }

        return [.. body];
    }

    private void EncodeParameters(List<byte> body, ReadOnlySpan<byte> parameters, Dictionary<string, byte[]> encAuths)
    {
        for (int at = 0; at < parameters.Length;)
        {
            ReadOnlySpan<byte> rest = parameters[at..];
            (byte[] token, int length) = Piece(rest);
            if (length < TpmNonce.Size && rest.Length >= TpmNonce.Size)
            {
                ReadOnlySpan<byte> twenty = rest[..TpmNonce.Size];
                byte[]? other = encAuths.GetValueOrDefault(Convert.ToHexString(twenty)) ?? Nonce(twenty);
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

    private static byte[]? Nonce(ReadOnlySpan<byte> twenty)
    {
        for (int number = 0; number < 1024; number++)
        {
            if (TestTpm.Nonce((ushort)number).ReadOnlySpan.SequenceEqual(twenty)) return Token(TokenKind.Nonce, [(byte)(number >> 8), (byte)number]);
        }

        return null;
    }

    /// <summary>A length of a modulus and a real ciphertext of one of the fixed keys: the same with a transparent one.</summary>
    private static byte[]? Ciphertext(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < sizeof(uint)) return null;
        uint size = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (size is not (64 or 128 or 256) || bytes.Length < sizeof(uint) + size) return null;
        return TransparentRsa.Transparent(bytes.Slice(sizeof(uint), (int)size)) is { } transparent ? [.. bytes[..sizeof(uint)], .. transparent] : null;
    }

    /// <summary>All that known secrets can look like when they are encrypted for one of the command's sessions.</summary>
    private Dictionary<string, byte[]> EncAuths(TpmState state, ReadOnlySpan<byte> trailer)
    {
        var found = new Dictionary<string, byte[]>();
        for (int i = 0; i < _keys.Length; i++)
        {
            ReadOnlySpan<byte> block = trailer[(AuthSize * i)..];
            if (state.Sessions.Find(BinaryPrimitives.ReadUInt32BigEndian(block)) is not { SharedSecret: { } shared } session) continue;
            var auth = new TestAuth { Handle = session.Handle, NonceEven = session.NonceEven, NonceOdd = new TpmNonce(block.Slice(4, 20)), Key = shared.Span.ToArray() };
            foreach (byte[] secret in Secrets.All)
            {
                foreach (bool odd in (ReadOnlySpan<bool>)[false, true])
                {
                    TpmAuthData encAuth = session.AdipScheme == TpmAdipEncScheme.Aes128Ctr
                        ? TestTpm.EncryptAuthAes(auth, secret)
                        : TestTpm.EncryptAuth(auth, secret, odd);
                    found[Convert.ToHexString(encAuth.ReadOnlySpan)] = Token(TokenKind.EncAuth, [(byte)(i | (odd ? 2 : 0)), .. Secrets.Select(secret)]);
                }
            }
        }

        return found;
    }

    private static byte[] Token(TokenKind kind, ReadOnlySpan<byte> operands) => [Tokens.Mark0, Tokens.Mark1, (byte)kind, .. operands];
}
