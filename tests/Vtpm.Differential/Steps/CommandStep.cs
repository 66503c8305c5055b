using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Differential.Sides;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Steps;

/// <summary>A command with its authorization sessions, whose answer is read and whose HMACs are verified on each side.</summary>
public sealed class CommandStep : Step
{
    private const int HeaderSize = 10, AuthSize = 41;

    public CommandStep(TpmOrdinal ordinal, string words = "")
        : base($"TPM_{ordinal} {words}".TrimEnd()) => Ordinal = ordinal;

    public TpmOrdinal Ordinal { get; }

    /// <summary>Handles in front of the parameters: they are not authorized.</summary>
    public Action<RequestWriter>? Handles { get; init; }

    public Action<RequestWriter>? Parameters { get; init; }

    public IReadOnlyList<SessionUse> Sessions { get; init; } = [];

    /// <summary>Reads the parameters of a success.</summary>
    public Action<ResponseReader>? Answer { get; init; }

    /// <summary>Handles in front of the response's parameters.</summary>
    public int OutHandles { get; init; }

    public Mutation? Mutation { get; init; }

    /// <summary>The transport session that the command goes through, when it does.</summary>
    public int? Transport { get; init; }

    /// <summary>The same command, spoilt.</summary>
    public CommandStep With(Mutation mutation) => Copy($"{Words} ({mutation})", mutation, Transport);

    /// <summary>The same command, through a transport session.</summary>
    public CommandStep Through(int transport) => Copy($"{Words}, in transport {transport}", Mutation, transport);

    private CommandStep Copy(string words, Mutation? mutation, int? transport) => new(Ordinal)
    {
        Words = words,
        Handles = Handles,
        Parameters = Parameters,
        Sessions = Sessions,
        Answer = Answer,
        OutHandles = OutHandles,
        Mutation = mutation,
        Transport = transport,
        Observed = Observed,
    };

    public override StepAnswer Run(TpmSide side)
    {
        byte[] request = Request(side.Memory);
        bool isWrapped = Transport is { } number && side.Memory.Transports.ContainsKey(number);
        byte[] response = isWrapped ? TransportLink.Execute(side, Transport!.Value, Ordinal, request) : side.Execute(request);
        var result = (TpmResult)BinaryPrimitives.ReadUInt32BigEndian(response.AsSpan(6));
        if (result != TpmResult.Success) return new StepAnswer(result, [new Field("header", Convert.ToHexStringLower(response))], response);

        int sessions = Math.Clamp(BinaryPrimitives.ReadUInt16BigEndian(response) - (int)TpmTag.RspCommand, 0, Sessions.Count);
        int end = Math.Max(HeaderSize, response.Length - AuthSize * sessions);
        var reader = new ResponseReader(response[HeaderSize..end], side.Memory);
        reader.Add("tag", Convert.ToHexStringLower(response, 0, 2));
        Answer?.Invoke(reader);
        reader.Finish();
        ReadAuths(side.Memory, response, end, sessions, reader);
        return new StepAnswer(result, reader.Fields, response);
    }

    private byte[] Request(SideMemory memory)
    {
        var writer = new RequestWriter(memory, Sessions);
        Handles?.Invoke(writer);
        int handles = writer.Length;
        Parameters?.Invoke(writer);
        switch (Mutation?.Kind)
        {
            case MutationKind.Truncated: writer.Truncate(Mutation.Number); break;
            case MutationKind.Longer: writer.UInt8(0); break;
            case MutationKind.FlippedBit: writer.FlipLiteral(Mutation.Number, handles); break;
        }

        byte[] body = writer.ToArray();
        byte[] ordinal = TestTpm.BigEndian((uint)Ordinal);
        byte[] digest = SHA1.HashData((byte[])[.. ordinal, .. body.AsSpan(Math.Min(handles, body.Length))]);
        int tag = Mutation?.Kind == MutationKind.Tag ? Mutation.Number : (int)TpmTag.RquCommand + Sessions.Count;
        List<byte> bytes = [(byte)(tag >> 8), (byte)tag, 0, 0, 0, 0, .. ordinal, .. body];
        for (int i = 0; i < Sessions.Count; i++) bytes.AddRange(AuthBlock(memory, i, digest));
        byte[] request = [.. bytes];
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(2), request.Length);
        return request;
    }

    private byte[] AuthBlock(SideMemory memory, int index, byte[] digest)
    {
        SessionUse use = Sessions[index];
        SideSession? session = memory.Sessions.GetValueOrDefault(use.Session);
        bool isUnknown = Mutation?.Kind == MutationKind.UnknownSession && Mutation.Number == index;
        byte[] handle = TestTpm.BigEndian(session is null || isUnknown ? 0x02BAD000 + (uint)use.Session : session.Handle);
        byte goesOn = use.Continue ? (byte)1 : (byte)0;
        byte[] nonceOdd = session?.NonceOdd ?? new byte[20];
        byte[] nonceEven = (session?.NonceEven ?? default).ReadOnlySpan.ToArray();
        byte[] hmac = HMACSHA1.HashData(session?.SharedSecret ?? use.Secret, (byte[])[.. digest, .. nonceEven, .. nonceOdd, goesOn]);
        if (Mutation?.Kind == MutationKind.WrongHmac && Mutation.Number == index) hmac[7] ^= 0x10;
        return [.. handle, .. nonceOdd, goesOn, .. hmac];
    }

    private void ReadAuths(SideMemory memory, byte[] response, int end, int count, ResponseReader reader)
    {
        byte[] digest = SHA1.HashData(
            (byte[])[0, 0, 0, 0, .. TestTpm.BigEndian((uint)Ordinal), .. response.AsSpan(Math.Min(HeaderSize + 4 * OutHandles, end)..end)]);
        for (int i = 0; i < count; i++)
        {
            SessionUse use = Sessions[i];
            Span<byte> block = response.AsSpan(end + AuthSize * i, AuthSize);
            reader.Add($"session {i + 1} goes on", $"{block[20]}");
            if (!memory.Sessions.TryGetValue(use.Session, out SideSession? session)) continue;
            byte[] hmac = HMACSHA1.HashData(session.SharedSecret ?? use.Secret, (byte[])[.. digest, .. block[..20], .. session.NonceOdd, block[20]]);
            reader.Add($"HMAC {i + 1}", block[21..].SequenceEqual(hmac) ? "right" : "wrong");
            session.NonceEven = new TpmNonce(block[..20]);
        }
    }
}
