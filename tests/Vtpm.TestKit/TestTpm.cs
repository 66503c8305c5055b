using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <summary>A command was answered with an error that the test did not expect.</summary>
public sealed class TpmErrorException(TpmOrdinal ordinal, TpmResult result) : Exception($"{ordinal} answered {result}")
{
    public TpmResult Result => result;
}

/// <summary>A command on its way: the state and the locality that it meets, its bytes, and the keys of its authorization blocks.</summary>
public sealed record SentCommand(TpmState State, int Locality, byte[] Request, byte[][] Keys);

/// <summary>A command that was executed, typed or not, and its answer.</summary>
public sealed record ExecutedCommand(TpmState State, int Locality, byte[] Request, byte[] Response);

/// <summary>
/// A TPM with a deterministic platform, driven by bytes as a client drives it: requests are built, and answers and their HMACs checked, without any
/// of the engine's own code for that.
/// </summary>
public sealed partial class TestTpm
{
    private readonly byte[] _response = new byte[Tpm12.MaxResponseSize];

    /// <summary>A TPM that is manufactured, powered on, and (unless <paramref name="started"/> says no) started clear.</summary>
    public TestTpm(TpmProfile? profile = null, int seed = 1, bool started = true, bool hasParent = true, ITpmRsa? rsa = null)
    {
        Random = new SeededRandom(seed);
        var platform = new TpmPlatform(Random, Time, rsa ?? new FixedRsa(), new OpenSslArithmetic(), profile ?? TpmProfile.Xen);
        Engine = NewEngine(platform with { Parent = hasParent ? Parent : null });
        State = Engine.PowerOn(Engine.Manufacture());
        if (started) Startup();
    }

    /// <summary>Of a TPM that has all commands, also those that a vTPM has only when its host says so.</summary>
    public static TpmProfile EveryCommand { get; } = TpmProfile.Xen with { MaintenanceCommands = true };

    public Tpm12 Engine { get; private set; }

    public SeededRandom Random { get; }

    public ManualTime Time { get; } = new();

    /// <summary>The TPM below: what is below Xen's vTPMs.</summary>
    public TestParent Parent { get; } = new();

    public TpmState State { get; set; }

    public int Locality { get; set; }

    /// <summary>Told about every typed command before it is executed.</summary>
    public event Action<SentCommand>? Sending;

    /// <summary>Told about every command after it was executed.</summary>
    public event Action<ExecutedCommand>? Executed;

    /// <summary>What a command threw, when one did: always a failure of the test.</summary>
    public Exception? Defect { get; private set; }

    /// <summary>Executes one command and commits what it proposes.</summary>
    public byte[] Execute(ReadOnlySpan<byte> request)
    {
        if (IsRestored) Engine = NewEngine(Engine.Platform);
        TpmState before = IsRestored ? Restored(State) : State;
        TpmState after = Engine.Execute(before, request, Locality, _response, out int length);
        // What the command has left alone is still what tests hold in their hands.
        if (!ReferenceEquals(after, before)) State = ReferenceEquals(after.Permanent, before.Permanent) ? after with { Permanent = State.Permanent } : after;
        if (Defect is not null) throw new InvalidOperationException("a command threw", Defect);
        byte[] response = _response.AsSpan(0, length).ToArray();
        Executed?.Invoke(new ExecutedCommand(before, Locality, request.ToArray(), response));
        return response;
    }

    /// <summary>
    /// Whether every command meets an engine of its own, and what lasts of the state written and read again, as if the process had been started for it
    /// alone: with VTPM_RESTORED=1 all tests run so, and must come to the same.
    /// </summary>
    public static bool IsRestored { get; } = Environment.GetEnvironmentVariable("VTPM_RESTORED") == "1";

    private Tpm12 NewEngine(TpmPlatform platform)
    {
        var engine = new Tpm12(platform);
        engine.CommandFailed += exception => Defect = exception;
        return engine;
    }

    private TpmState Restored(TpmState state)
    {
        byte[] written = StateFormat.Write(state.Permanent, new ScratchArena()).ToArray();
        return state with { Permanent = StateFormat.Read(written, Engine.Platform.Rsa) };
    }

    public static TpmResult ResultOf(ReadOnlySpan<byte> response) => (TpmResult)BinaryPrimitives.ReadUInt32BigEndian(response[6..]);

    /// <summary>TPM_Init: the volatile state is lost.</summary>
    public void PowerCycle(TpmStartupType? startup = TpmStartupType.Clear)
    {
        State = Engine.PowerOn(State.Permanent);
        if (startup is { } type) Startup(type);
    }

    public void Startup(TpmStartupType type = TpmStartupType.Clear)
    {
        byte[] request = Convert.FromHexString("00c10000000c00000099000" + (int)type);
        if (ResultOf(Execute(request)) is var result and not TpmResult.Success) throw new TpmErrorException(TpmOrdinal.Startup, result);
    }

    /// <summary>Sends a command and returns its response; any error is an exception.</summary>
    public TResponse Send<TRequest, TResponse>(TpmCommand<TRequest, TResponse> command, TRequest request, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        TpmResult result = TrySend(command, request, out TResponse response, auths);
        return result == TpmResult.Success ? response : throw new TpmErrorException(command.Traits.Ordinal, result);
    }

    /// <summary>Sends a command and returns the code it was answered with.</summary>
    public TpmResult ResultOf<TRequest, TResponse>(TpmCommand<TRequest, TResponse> command, TRequest request, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse> => TrySend(command, request, out _, auths);

    /// <summary>Sends a command; on success the response's HMACs are verified and the sessions' nonces roll.</summary>
    public TpmResult TrySend<TRequest, TResponse>(TpmCommand<TRequest, TResponse> command, TRequest request, out TResponse response, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        byte[] bytes = Request(command, request, auths);
        Sending?.Invoke(new SentCommand(State, Locality, bytes, [.. auths.Select(auth => auth.Key)]));
        byte[] answer = Execute(bytes);
        TpmResult result = ResultOf(answer);
        response = default;
        if (result != TpmResult.Success) return result;
        int end = answer.Length - 41 * auths.Length;
        if (WireFormat.Read(answer.AsSpan(10, end - 10), out response) != TpmResult.Success) throw new InvalidOperationException("the response is malformed");
        CheckAuths(command.Traits, answer, end, auths);
        return result;
    }

    /// <summary>The bytes of a command with its authorization blocks.</summary>
    public static byte[] Request<TRequest, TResponse>(TpmCommand<TRequest, TResponse> command, TRequest request, params TestAuth[] auths)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        byte[] body = WireFormat.ToBytes(request);
        byte[] ordinal = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(ordinal, (uint)command.Traits.Ordinal);
        byte[] digest = SHA1.HashData((byte[])[.. ordinal, .. body.AsSpan(4 * command.Traits.InHandles)]);
        List<byte> bytes = [0, (byte)(0xC1 + auths.Length), 0, 0, 0, 0, .. ordinal, .. body];
        foreach (TestAuth auth in auths)
        {
            byte[] handle = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(handle, auth.Handle);
            byte goesOn = auth.Continue ? (byte)1 : (byte)0;
            byte[] hmac = HMACSHA1.HashData(auth.Key, (byte[])[.. digest, .. auth.NonceEven.ReadOnlySpan, .. auth.NonceOdd.ReadOnlySpan, goesOn]);
            bytes.AddRange([.. handle, .. auth.NonceOdd.ReadOnlySpan, goesOn, .. hmac]);
        }

        byte[] result = [.. bytes];
        BinaryPrimitives.WriteInt32BigEndian(result.AsSpan(2), result.Length);
        return result;
    }

    private void CheckAuths(CommandTraits traits, byte[] answer, int end, TestAuth[] auths)
    {
        byte[] ordinal = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(ordinal, (uint)traits.Ordinal);
        byte[] digest = SHA1.HashData((byte[])[0, 0, 0, 0, .. ordinal, .. answer.AsSpan((10 + 4 * traits.OutHandles)..end)]);
        for (int i = 0; i < auths.Length; i++)
        {
            Span<byte> block = answer.AsSpan(end + 41 * i, 41);
            byte[] hmac = HMACSHA1.HashData(auths[i].ResponseKey ?? auths[i].Key, (byte[])[.. digest, .. block[..20], .. auths[i].NonceOdd.ReadOnlySpan, block[20]]);
            if (!block[21..].SequenceEqual(hmac)) throw new InvalidOperationException($"the response's HMAC {i + 1} is wrong");
            auths[i].NonceEven = new TpmNonce(block[..20]);
            auths[i].NonceOdd = NewNonce();
            auths[i].GoesOn = block[20] == 1;
        }
    }
}
