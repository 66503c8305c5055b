namespace Vtpm.Bench;

/// <summary>What happens once in the life of a TPM, again and again with new ones. The first life warms up files and this program.</summary>
internal sealed class Lives(Peer peer, string stateOn)
{
    public Samples FirstStart { get; } = new();

    public Samples EndorsementKey { get; } = new();

    public Samples Ownership { get; } = new();

    public Samples Restart { get; } = new();

    public void Live(int round)
    {
        using var tpm = new TpmProcess(peer, stateOn);
        double firstStart = tpm.Start();
        double endorsementKey = tpm.MakeReady();
        double ownership = tpm.TakeOwnership();
        tpm.Stop();
        double restart = tpm.Start();
        if (round == 0) return;
        FirstStart.Add(firstStart);
        EndorsementKey.Add(endorsementKey);
        Ownership.Add(ownership);
        Restart.Add(restart);
    }
}
