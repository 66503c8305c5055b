using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>
/// A machine with a TPM 2.0, which is Debian's swtpm. Its one client is this class, so that the manager and the test can both speak to it, and the
/// test can see and change what passes.
/// </summary>
internal sealed class Tpm2Machine : TestHardware
{
    private readonly Swtpm _swtpm;
    private ITpmConnection? _link;

    public Tpm2Machine(byte[]? state = null)
    {
        _swtpm = new Swtpm(state, isTpm2: true);
        Raw = new RawTpm2(Exchange);
    }

    /// <summary>The TPM, past the script.</summary>
    public RawTpm2 Raw { get; }

    /// <summary>Takes each request of the manager, and the way to the TPM; null lets all pass.</summary>
    public Func<byte[], Func<byte[], byte[]>, byte[]>? Script { get; set; }

    /// <summary>All that has passed between the manager and the TPM, in both directions.</summary>
    public List<byte[]> Traffic { get; } = [];

    /// <summary>A manager on this machine.</summary>
    public ManagerRig Manager(byte[]? image = null, bool provision = true, Func<ManagerOptions, ManagerOptions>? with = null) =>
        new(this, image ?? new byte[ManagerImage.DefaultLength], provision, options => Options(with is null ? options : with(options)));

    /// <summary>The hardware as the manager has it, and nothing above it.</summary>
    public IHardwareTpm Hardware(Func<ManagerOptions, ManagerOptions>? with = null, Action<string>? log = null)
    {
        var options = new ManagerOptions { Hardware = TpmAddress.Named("test", "hardware"), Connect = _ => Connect(), IsTpm2 = true };
        return IHardwareTpm.Start(with is null ? options : with(options), new ManagerLog(log));
    }

    public static ManagerOptions Options(ManagerOptions options) => options with { IsTpm2 = true };

    public override ITpmConnection Connect() => new ScriptedConnection(request =>
    {
        byte[] response = Script is null ? Exchange(request) : Script(request, Exchange);
        Traffic.Add(request);
        Traffic.Add(response);
        return response;
    });

    public override void PowerCycle() => PowerCycle(startup: true);

    public void PowerCycle(bool startup)
    {
        _link?.Dispose();
        _link = null;
        _swtpm.PowerCycle(startup);
    }

    public override void Dispose()
    {
        _link?.Dispose();
        _swtpm.Dispose();
    }

    private byte[] Exchange(byte[] request) => ScriptedConnection.Send(_link ??= TpmConnection.Open(TpmAddress.Unix(_swtpm.SocketPath)), request);
}
