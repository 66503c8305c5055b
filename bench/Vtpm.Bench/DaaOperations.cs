using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>Direct anonymous attestation, all stages of it: what the host and the issuer compute in between is not counted.</summary>
internal abstract class DaaOperation : Operation
{
    private readonly WellKnownSession _session;

    protected DaaOperation(Workbench bench, TpmOrdinal ordinal) : base(bench)
    {
        Ordinals = [ordinal];
        _session = new WellKnownSession(bench);
        Host = new DaaHost(TestTpm.Issuer, Stage);
        EndorsementKey = _session.ReadPublicKey(TpmOrdinal.OwnerReadPubek, []);
    }

    public override TpmOrdinal[] Ordinals { get; }

    protected DaaHost Host { get; }

    protected TpmPubKey EndorsementKey { get; }

    private byte[] Stage(TpmOrdinal ordinal, uint handle, int stage, byte[] inputData0, byte[] inputData1)
    {
        byte[] parameters =
        [
            (byte)stage, .. Workbench.Numbers((uint)inputData0.Length), .. inputData0, .. Workbench.Numbers((uint)inputData1.Length), .. inputData1,
        ];
        // UINT32 outputSize, and outputData.
        return _session.Send(ordinal, Workbench.Numbers(handle), parameters)[sizeof(uint)..].ToArray();
    }
}

internal sealed class DaaJoinOperation(Workbench bench) : DaaOperation(bench, TpmOrdinal.DaaJoin)
{
    public override void Call(int call) => Host.Join(EndorsementKey, count: 1, chain: 1);
}

internal sealed class DaaSignOperation : DaaOperation
{
    private readonly DaaCredential _credential;

    public DaaSignOperation(Workbench bench) : base(bench, TpmOrdinal.DaaSign) => _credential = Host.Join(EndorsementKey, count: 1, chain: 1);

    public override void Call(int call) => Host.Sign(_credential, new byte[TpmNonce.Size], selector: 1, new byte[TpmDigest.Size]);
}
