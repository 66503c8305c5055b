using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>Memory of processes that run at the same time and share what they map, each of them idle.</summary>
internal sealed class Crowd(Peer peer, int processes, string stateOn)
{
    public const int Commands = Rounds * 5;
    private const int Rounds = 40;

    public Samples AfterStart { get; } = new();

    public Samples AfterCommands { get; } = new();

    public void Measure(int round)
    {
        var tpms = new List<TpmProcess>();
        try
        {
            for (int i = 0; i < processes; i++)
            {
                tpms.Add(new TpmProcess(peer, stateOn));
                tpms[i].Start();
            }

            foreach (TpmProcess tpm in tpms) AfterStart.Add(tpm.Figures.ReadPss());
            foreach (TpmProcess tpm in tpms) Work(tpm);
            foreach (TpmProcess tpm in tpms) AfterCommands.Add(tpm.Figures.ReadPss());
        }
        finally
        {
            foreach (TpmProcess tpm in tpms) tpm.Dispose();
        }
    }

    private static void Work(TpmProcess tpm)
    {
        using var wellKnown = Client.TpmSecret.WellKnown();
        for (int i = 0; i < Rounds; i++)
        {
            tpm.Client.GetRandom(32);
            tpm.Client.Extend(10, default);
            tpm.Client.PcrRead(10);
            // Opens a session; disposing of it flushes it.
            tpm.Client.Oiap(wellKnown).Dispose();
        }
    }
}
