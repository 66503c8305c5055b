using System.Diagnostics;
using System.Globalization;

namespace Vtpm.SystemTests;

/// <summary>
/// Killed at any moment under load, everything starts again with every acknowledged change. VTPM_CRASHES says how often (100 is the long form),
/// VTPM_SEED repeats a run as far as time itself can be repeated.
/// </summary>
public sealed class CrashTests
{
    private static readonly int Crashes = Number("VTPM_CRASHES") ?? 25;
    private static readonly int Seed = Number("VTPM_SEED") ?? Random.Shared.Next();

    private enum Victim
    {
        Vtpm,
        Manager,
        Hardware,
        All,
    }

    [Fact]
    public void Hardware_KilledAtRandom_KeepsWhatItAcknowledged() => Repeatable(random =>
    {
        using var chain = new Chain();
        chain.StartHardware();
        using var load = new TpmLoad(chain.ConnectToHardware, random);
        for (int crash = 1; crash <= Crashes; crash++)
        {
            RunUnder(load, random, kill: chain.Hardware!.Kill);
            StartAgain(random, chain.HardwareArguments);
            chain.StartHardware();
            load.VerifyRestarted();
            Progress("hardware", crash, load);
        }
    });

    [Fact]
    public void Chain_KilledAtRandom_KeepsWhatItAcknowledged() => Repeatable(random =>
    {
        using Chain chain = Chain.Started();
        using var load = new TpmLoad(chain.Connect, random);
        for (int crash = 1; crash <= Crashes; crash++)
        {
            Victim victim = load.NeedsRestart ? Victim.Vtpm : (Victim)random.Next(4);
            if (victim == Victim.Manager) CrashManager(chain, load, random);
            else CrashVtpm(chain, load, random, victim);
            Progress($"chain, {victim}", crash, load);
        }
    });

    [Fact]
    public void Chain_KilledWhileItIsMade_IsMadeInTheEnd() => Repeatable(random =>
    {
        for (int made = 1; made <= Math.Max(1, Crashes / 25); made++)
        {
            using var chain = new Chain();
            for (int i = 0; i < 6; i++) KillWhileStarting(random, chain.HardwareArguments, within: 100);
            chain.StartHardware();
            for (int i = 0; i < 6; i++) KillWhileStarting(random, chain.ManagerArguments, within: 1500);
            chain.StartManager();
            for (int i = 0; i < 6; i++) KillWhileStarting(random, chain.VtpmArguments, within: 1000);
            chain.StartVtpm();
            using (Client.TpmClient tpm = chain.Connect()) tpm.ReadPubek();
            chain.StartVtpm();
            AssertNotMade(chain);
        }
    });

    /// <summary>The vTPM lives through its manager's death: it asks for patience, and goes on when there is a manager again.</summary>
    private static void CrashManager(Chain chain, TpmLoad load, Random random)
    {
        bool managerIsBack = false;
        Task loading = Task.Run(() => load.Run(() => Volatile.Read(ref managerIsBack)));
        AwaitRandomMoment(load, loading, random);
        chain.Manager!.Kill();
        StartAgain(random, chain.ManagerArguments);
        chain.StartManager();
        Volatile.Write(ref managerIsBack, true);
        Finish(loading);
        Assert.True(chain.Vtpm!.IsRunning, chain.Vtpm.Log);
        AssertManagerOpened(chain);
        load.VerifyRunning();
        int before = load.Acknowledged;
        Stopwatch patience = Stopwatch.StartNew();
        load.Run(() => load.Acknowledged > before || patience.Elapsed > VtpmProcess.Patience);
        if (!load.NeedsRestart) Assert.True(load.Acknowledged > before, $"with the manager back the vTPM acknowledges nothing:\n{chain.Vtpm.Log}");
    }

    private static void CrashVtpm(Chain chain, TpmLoad load, Random random, Victim victim)
    {
        RunUnder(load, random, () =>
        {
            // In a random order, and fast enough for a command to be between them.
            VtpmProcess[] dying = victim switch
            {
                Victim.Vtpm => [chain.Vtpm!],
                Victim.Hardware => [chain.Hardware!, chain.Manager!, chain.Vtpm!],
                _ => [.. random.GetItems([chain.Hardware!, chain.Manager!, chain.Vtpm!], 3), chain.Hardware!, chain.Manager!, chain.Vtpm!],
            };
            foreach (VtpmProcess process in dying) process.Kill();
        });
        if (victim != Victim.Vtpm)
        {
            StartAgain(random, chain.HardwareArguments);
            chain.StartHardware();
            StartAgain(random, chain.ManagerArguments);
            chain.StartManager();
            AssertManagerOpened(chain);
        }

        StartAgain(random, chain.VtpmArguments);
        chain.StartVtpm();
        AssertNotMade(chain);
        load.VerifyRestarted();
    }

    /// <summary>Runs the load, and kills what it loads at a random moment.</summary>
    private static void RunUnder(TpmLoad load, Random random, Action kill)
    {
        bool isKilled = false;
        Task loading = Task.Run(() => load.Run(() => Volatile.Read(ref isKilled)));
        AwaitRandomMoment(load, loading, random);
        kill();
        Volatile.Write(ref isKilled, true);
        Finish(loading);
    }

    /// <summary>Any moment at all, or one in the middle of commands that are acknowledged: making a key takes longer than most rounds.</summary>
    private static void AwaitRandomMoment(TpmLoad load, Task loading, Random random)
    {
        if (random.Next(4) > 0) WaitHandle.WaitAny([load.HasAcknowledged.WaitHandle, ((IAsyncResult)loading).AsyncWaitHandle], VtpmProcess.Patience);
        Thread.Sleep(random.Next(150));
    }

    private static void Finish(Task loading)
    {
        if (!((IAsyncResult)loading).AsyncWaitHandle.WaitOne(VtpmProcess.Patience)) Assert.Fail("the load hangs");
        loading.GetAwaiter().GetResult();
    }

    /// <summary>Every third crash is followed by another one while the program is starting.</summary>
    private static void StartAgain(Random random, IEnumerable<string> arguments)
    {
        if (random.Next(3) == 0) KillWhileStarting(random, arguments, within: 60);
    }

    private static void KillWhileStarting(Random random, IEnumerable<string> arguments, int within)
    {
        using VtpmProcess process = VtpmProcess.Start(arguments);
        Thread.Sleep(random.Next(within));
        process.Kill();
    }

    private static void AssertManagerOpened(Chain chain)
    {
        Assert.Contains(" opened: ", chain.Manager!.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("NEW ONE", chain.Manager.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("FRESH", chain.Manager.Log, StringComparison.Ordinal);
    }

    private static void AssertNotMade(Chain chain) => Assert.DoesNotContain("MANUFACTURING", chain.Vtpm!.Log, StringComparison.Ordinal);

    private static void Progress(string what, int crash, TpmLoad load)
    {
        if (Crashes > 25 || crash == Crashes) Console.WriteLine($"{what}: {crash} of {Crashes} crashes, {load.Acknowledged} commands acknowledged");
    }

    private static void Repeatable(Action<Random> test)
    {
        try
        {
            test(new Random(Seed));
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"VTPM_SEED={Seed} VTPM_CRASHES={Crashes}: {exception.Message}", exception);
        }
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : null;
}
