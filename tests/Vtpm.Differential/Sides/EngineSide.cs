using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.TestKit;

namespace Vtpm.Differential.Sides;

/// <summary>Our engine, in process, with the limits that swtpm has.</summary>
public sealed class EngineSide : TpmSide
{
    private readonly Tpm12 _engine;
    private readonly ManualTime _time = new();
    private readonly byte[] _response = new byte[Tpm12.MaxResponseSize];
    private TpmState _state;
    private int _locality;
    private Exception? _defect;

    public EngineSide()
        : base("ours")
    {
        _engine = new Tpm12(new TpmPlatform(new SeededRandom(), _time, new OpenSslRsa(), new OpenSslArithmetic(), Profile));
        _engine.CommandFailed += exception => _defect = exception;
        _state = _engine.PowerOn(_engine.Manufacture());
    }

    /// <summary>Limits are no differences: ours are set to those of Debian's libtpms.</summary>
    private static TpmProfile Profile { get; } =
        new() { InputBufferSize = 4096, AuthSessions = 16, ContextSlots = 128, TransportSessions = 16, Sha1MaxBytes = 4032 };

    public override byte[] Execute(byte[] command)
    {
        _state = _engine.Execute(_state, command, _locality, _response, out int length);
        if (_defect is not null) throw new InvalidOperationException($"{Convert.ToHexStringLower(command)} threw", _defect);
        return _response.AsSpan(0, length).ToArray();
    }

    public override void SetLocality(int locality) => _locality = locality;

    /// <remarks>swtpm forgets with the power that somebody guessed; we forget with time.</remarks>
    public override void PowerCycle()
    {
        _time.Advance(TimeSpan.FromDays(30));
        _state = _engine.PowerOn(_state.Permanent);
    }

    public override object SavePermanent() => _state.Permanent;

    protected override void RestorePermanent(object permanent) => _state = _engine.PowerOn((PermanentState)permanent);
}
