namespace Vtpm.Bench;

/// <summary>How much of everything; the short form shows that it runs, and its figures mean little.</summary>
internal sealed record Scale(int Lives, int Processes, int CheapRounds, int CheapCalls, int RsaRounds, int RsaCalls, int KeyRounds, int Vtpms, int SaveRounds,
    int XenTrips, int XenLoad, int XenRounds)
{
    public static Scale Full { get; } = new(
        Lives: 30, Processes: 50, CheapRounds: 60, CheapCalls: 50, RsaRounds: 40, RsaCalls: 8, KeyRounds: 40, Vtpms: 20_000, SaveRounds: 20,
        XenTrips: 200, XenLoad: 200, XenRounds: 5);

    public static Scale Quick { get; } = new(
        Lives: 2, Processes: 5, CheapRounds: 3, CheapCalls: 20, RsaRounds: 3, RsaCalls: 4, KeyRounds: 2, Vtpms: 2_000, SaveRounds: 2,
        XenTrips: 20, XenLoad: 20, XenRounds: 1);
}
