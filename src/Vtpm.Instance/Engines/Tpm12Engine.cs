using Vtpm.Engine;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>The TPM 1.2 engine behind <see cref="ITpmEngine"/>.</summary>
public sealed class Tpm12Engine : ITpmEngine
{
    private readonly Tpm12 _tpm;
    private readonly ScratchArena _arena = new();
    private readonly byte[] _boot = new byte[BootFormat.MaxSize];
    private TpmState _state;
    private TpmState _proposed;

    private Tpm12Engine(Tpm12 tpm, TpmState state)
    {
        _tpm = tpm;
        _state = _proposed = state;
    }

    /// <summary>The state as committed.</summary>
    public TpmState State => _state;

    /// <summary>Whether proposals tell of the boot; a host without a record saves itself the bytes.</summary>
    public bool RecordsBoot { get; set; }

    /// <summary>Powers on (TPM_Init) a TPM that was manufactured before.</summary>
    /// <exception cref="StateFormatException">The bytes are not a state that this build can use.</exception>
    public static Tpm12Engine PowerOn(TpmPlatform platform, ReadOnlySpan<byte> state, Action<string> log)
    {
        Tpm12 tpm = Create(platform, log);
        if (!EmulatorState.Is(state)) return new Tpm12Engine(tpm, tpm.PowerOn(StateFormat.Read(state, platform.Rsa)));
        log("the state is one of Xen's vtpm-stubdom: it is taken over, and from its next change on is kept in a form that vtpm-stubdom does not read");
        return new Tpm12Engine(tpm, tpm.PowerOn(EmulatorState.Read(state, tpm.Manufacture(), tpm.Commands, platform.Rsa)));
    }

    /// <summary>Manufactures a TPM, with an endorsement key or without, and powers it on. Its first state is for the caller to save.</summary>
    public static Tpm12Engine Manufacture(TpmPlatform platform, bool withEndorsementKey, Action<string> log)
    {
        Tpm12 tpm = Create(platform, log);
        TpmState state = tpm.PowerOn(tpm.Manufacture());
        return new Tpm12Engine(tpm, withEndorsementKey ? MakeEndorsementKey(tpm, state) : state);
    }

    public TpmProposal Propose(ReadOnlySpan<byte> request, int locality, Span<byte> response)
    {
        _arena.Clear();
        _proposed = _tpm.Execute(_state, request, locality, response, out int length);
        ReadOnlyMemory<byte>? boot = null;
        if (RecordsBoot && !BootFormat.IsSame(_proposed, _state)) boot = Boot(_proposed);
        if (ReferenceEquals(_proposed.Permanent, _state.Permanent)) return new TpmProposal(length, State: null, boot);
        return new TpmProposal(length, StateFormat.Write(_proposed.Permanent, _arena), boot);
    }

    public void Commit()
    {
        _state = _proposed;
        _arena.Clear();
    }

    public int WriteNotSaved(ReadOnlySpan<byte> request, Span<byte> response, bool isTransient)
    {
        // A guess counts even where its count cannot be made durable: else whoever makes saves fail may guess for nothing.
        DictionaryAttack attack = _proposed.Permanent.DictionaryAttack;
        if (attack.FailedAuthorizations > 0 && attack != _state.Permanent.DictionaryAttack)
        {
            _state = _state with
            {
                Permanent = _state.Permanent with { DictionaryAttack = attack },
                LockoutStart = _proposed.LockoutStart,
                Sessions = _proposed.Sessions,
            };
        }

        _proposed = _state;
        _arena.Clear();
        TpmResult result = isTransient ? TpmResult.Retry : TpmResult.Fail;
        response.Clear();
        return TpmMessage.WriteFailure(request, result, response);
    }

    /// <summary>The bytes to save of the state as it is.</summary>
    public ReadOnlyMemory<byte> Snapshot()
    {
        _arena.Clear();
        return StateFormat.Write(_state.Permanent, _arena);
    }

    /// <summary>TPM_Init, when the platform is reset while the process goes on.</summary>
    public void Reset() => _state = _proposed = _tpm.PowerOn(_state.Permanent);

    /// <summary>The bytes of the platform's boot as it is.</summary>
    public ReadOnlyMemory<byte> BootSnapshot() => Boot(_state);

    /// <summary>
    /// Starts a TPM whose process has ended under a platform that runs on, in the place of TPM_Startup: no platform has been reset, so that the PCRs and
    /// whatever else lasts until a reset are those of the record. What lasts beyond is left as it is, a state that TPM_SaveState has kept included.
    /// </summary>
    /// <param name="boot">The bytes that a proposal told; null when they are lost, and the TPM is to open nothing that depends on a boot.</param>
    /// <exception cref="StateFormatException">They are not the boot of a TPM.</exception>
    public void Resume(ReadOnlyMemory<byte>? boot)
    {
        TpmState started = Send(_tpm, _state, TpmOrdinal.Startup, [0, (byte)TpmStartupType.Clear]) with { Permanent = _state.Permanent };
        _state = _proposed = boot is { } bytes ? BootFormat.Restore(started, bytes.Span) : BootFormat.WithoutRecord(started);
    }

    /// <summary>Gives a PCR a value without extending it: Xen's <c>hwinitpcr</c>.</summary>
    public void SetPcr(int pcr, in TpmDigest value) => _state = _proposed = _state with { Pcrs = _state.Pcrs.With(pcr, value) };

    /// <summary>What the end of a production line does: starts the TPM, has it make its endorsement key, and leaves it as the power comes on.</summary>
    private static TpmState MakeEndorsementKey(Tpm12 tpm, TpmState state)
    {
        byte[] keyInfo = WireFormat.ToBytes(KeyParameters.Rsa(2048, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None));
        state = Send(tpm, state, TpmOrdinal.Startup, [0, (byte)TpmStartupType.Clear]);
        state = Send(tpm, state, TpmOrdinal.CreateEndorsementKeyPair, [.. new byte[TpmNonce.Size], .. keyInfo]);
        return tpm.PowerOn(state.Permanent) with { IsEndorsementKeyFresh = state.IsEndorsementKeyFresh };
    }

    private static TpmState Send(Tpm12 tpm, TpmState state, TpmOrdinal ordinal, byte[] body)
    {
        var header = new TpmHeader { Tag = TpmTag.RquCommand, ParamSize = (uint)(TpmHeader.Size + body.Length), Code = (uint)ordinal };
        byte[] response = new byte[Tpm12.MaxResponseSize];
        state = tpm.Execute(state, [.. WireFormat.ToBytes(header), .. body], locality: 0, response, out _);
        TpmResult result = TpmMessage.ReadResult(response);
        return result == TpmResult.Success ? state : throw new InvalidOperationException($"{ordinal} answered {result}");
    }

    private ReadOnlyMemory<byte> Boot(TpmState state) => _boot.AsMemory(0, BootFormat.Write(state, _boot));

    private static Tpm12 Create(TpmPlatform platform, Action<string> log)
    {
        var tpm = new Tpm12(platform);
        tpm.CommandFailed += exception => log($"a command failed for inner reasons; this TPM is in failure mode until it is restarted. Please report: {exception}");
        return tpm;
    }
}
