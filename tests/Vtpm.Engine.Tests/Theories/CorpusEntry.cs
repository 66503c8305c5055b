using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>A command that succeeds: its bytes, the state and locality it succeeds in, and the keys of its sessions. The state is immutable, so that
/// any number of variants can be tried on it.</summary>
public sealed class CorpusEntry(SentCommand sent)
{
    public const int HeaderSize = 10;
    public const int AuthSize = 45;

    public TpmState State => sent.State;

    public int Locality => sent.Locality;

    public ReadOnlySpan<byte> Request => sent.Request;

    public int Sessions => sent.Keys.Length;

    public TpmOrdinal Ordinal => OrdinalOf(Request);

    public static TpmOrdinal OrdinalOf(ReadOnlySpan<byte> request) => (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request[6..]);

    /// <summary>Where the authorization blocks begin.</summary>
    public int AuthsAt => Request.Length - AuthSize * Sessions;

    public override string ToString() => $"{Ordinal} with {Sessions} sessions, {Request.Length} bytes";

    /// <summary>Gives a changed request the right size and, where its blocks still name sessions, the HMACs that its caller would have made.</summary>
    public byte[] Authorized(ReadOnlySpan<byte> changed, CommandTable commands) => Authorized(changed, commands, sent.Keys);

    /// <summary>The command with the HMAC that a caller makes who does not know the secret of one of its sessions.</summary>
    public byte[] WithWrongKey(int session, CommandTable commands) =>
        Authorized(Request, commands, [.. sent.Keys.Select((key, i) => i == session ? [.. key[..^1], (byte)(key[^1] ^ 1)] : key)]);

    private byte[] Authorized(ReadOnlySpan<byte> changed, CommandTable commands, byte[][] keys)
    {
        byte[] request = Sized(changed);
        int end = request.Length - AuthSize * Sessions;
        int inHandles = end >= HeaderSize && commands.Find(OrdinalOf(request), out TpmCommand command) == TpmResult.Success ? command.Traits.InHandles : 0;
        int start = HeaderSize + 4 * inHandles;
        if (end < start) return request;
        byte[] digest = OrdinalOf(request) == TpmOrdinal.ExecuteTransport
            ? TestTransport.InParamDigest(request.AsSpan(start..end))
            : SHA1.HashData((byte[])[.. request[6..10], .. request[start..end]]);
        for (int i = 0; i < Sessions; i++)
        {
            Span<byte> block = request.AsSpan(end + AuthSize * i, AuthSize);
            uint handle = BinaryPrimitives.ReadUInt32BigEndian(block);
            AuthSession? session = State.Sessions.Find(handle) ?? State.Transports.Find(handle)?.Auth;
            if (session is null) continue;
            HMACSHA1.HashData(keys[i], (byte[])[.. digest, .. session.NonceEven.ReadOnlySpan, .. block[4..25]], block[25..]);
        }

        return request;
    }

    /// <summary>Gives a changed request the right paramSize.</summary>
    public static byte[] Sized(ReadOnlySpan<byte> changed)
    {
        byte[] request = changed.ToArray();
        if (request.Length >= 6) BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(2), request.Length);
        return request;
    }
}

public static class CorpusEntryExtensions
{
    /// <summary>The state that an entry leaves.</summary>
    public static TpmState After(this TheoryRunner runner, CorpusEntry entry) => runner.Execute(entry.State, entry.Locality, entry.Request);
}
