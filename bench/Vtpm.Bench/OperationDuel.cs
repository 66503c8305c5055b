namespace Vtpm.Bench;

/// <summary>Round trip and CPU time of one operation on both.</summary>
internal sealed class OperationDuel(string name, Func<Workbench, Operation> create, int rounds, int calls, Aim? roundTripAim = null, Aim? cpuAim = null)
{
    private const int WarmUpRounds = 2;

    public string Name => name;

    public Row[] Run(Workbench ours, Workbench theirs)
    {
        var us = new Side(create(ours), ours.Tpm, calls);
        var them = new Side(create(theirs), theirs.Tpm, calls);
        Duel.Alternate(WarmUpRounds + rounds, us.Round, them.Round);
        return
        [
            new($"{name}: round trip", Unit.Milliseconds, us.RoundTrip, them.RoundTrip, roundTripAim),
            new($"{name}: server", Unit.Microseconds, us.Cpu, them.Cpu, cpuAim),
        ];
    }

    private sealed class Side(Operation operation, TpmProcess tpm, int calls)
    {
        public Samples RoundTrip { get; } = new();

        public Samples Cpu { get; } = new();

        public void Round(int round)
        {
            bool counts = round >= WarmUpRounds;
            operation.Prepare(calls);
            double before = tpm.Figures.ReadCpu();
            for (int i = 0; i < calls; i++)
            {
                tpm.Link.Watch(operation.Ordinals);
                operation.Call(i);
                if (counts) RoundTrip.Add(tpm.Link.Elapsed.TotalMilliseconds);
            }

            double spent = tpm.Figures.ReadCpu() - before;
            if (counts) Cpu.Add(spent / calls);
            operation.PutAway();
        }
    }
}
