using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Client.Tests.Support;

/// <summary>A TPM with an owner, and a client of it.</summary>
public sealed class OwnedTpm : IDisposable
{
    private readonly TestHardware _hardware;

    public OwnedTpm(HardwareKind kind)
    {
        _hardware = TestHardware.Create(kind);
        Tpm = new TpmClient(_hardware.Connect());
        Tpm.TakeOwnership(Tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey), Owner, Srk, TpmKeys.StorageRootKey);
    }

    public TpmClient Tpm { get; }

    public TpmSecret Owner { get; } = TpmSecret.Parse("text:owner");

    public TpmSecret Srk { get; } = TpmSecret.WellKnown();

    /// <summary>Another link, on which the test sees, and may change, what passes.</summary>
    public TpmClient Through(Func<byte[], Func<byte[], byte[]>, byte[]> exchange) => new(ScriptedConnection.Around(Connect(), exchange));

    public ITpmConnection Connect() => _hardware.Connect();

    public void Dispose()
    {
        Tpm.Dispose();
        Owner.Dispose();
        Srk.Dispose();
        _hardware.Dispose();
    }
}
