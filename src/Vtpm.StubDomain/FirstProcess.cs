namespace Vtpm.StubDomain;

/// <summary>
/// The first process of a stub domain, which is its only one: makes the domain ready, runs the program, and ends the domain with it. However that
/// goes, it says why and switches the domain off: a kernel that has lost its first process would stop with a message about itself.
/// </summary>
/// <param name="machine">The domain.</param>
/// <param name="role">What it is to be.</param>
/// <param name="log">The domain's console.</param>
public sealed class FirstProcess(IDomainMachine machine, StubDomainRole role, Action<string> log)
{
    /// <summary>Where the disk is, whether the configuration calls it hda, as the original's does, or xvda.</summary>
    public const string Disk = "/dev/xvda";

    /// <summary>For how long a disk is waited for that the toolstack has announced.</summary>
    public static readonly TimeSpan DiskPatience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private static readonly (string Type, string Target)[] FileSystems =
        [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/run")];

    private int _ended;
    private volatile bool _isToRestart;

    /// <summary>Runs the program and ends the domain.</summary>
    /// <param name="main">The program: takes its arguments, returns its exit code.</param>
    public void Run(Func<string[], int> main)
    {
        ArgumentNullException.ThrowIfNull(main);
        try
        {
            string[] arguments = Prepare();
            log($"INFO[DOMAIN]: {role.Name} starts: vtpm {string.Join(' ', arguments.Select(Shown))}");
            DomainMemory before = machine.ReadMemory();
            log($"INFO[DOMAIN]: {before.Available} of {before.Total} KiB of memory are left");
            int code = main(arguments);
            DomainMemory after = machine.ReadMemory();
            log($"INFO[DOMAIN]: {after.Available} KiB of memory were left; the program had {after.ProgramPeak} KiB at most");
            log(code == 0 ? $"INFO[DOMAIN]: {role.Name} has ended" : $"ERROR[DOMAIN]: {role.Name} ended with {code}, for the reason above");
        }
        catch (StubDomainException e)
        {
            log($"ERROR[DOMAIN]: {role.Name} does not start: {e.Message}");
        }
        catch (Exception e)
        {
            log($"ERROR[DOMAIN]: {role.Name} has failed: {e}");
        }

        End();
    }

    /// <summary>The domain is to be started again when the program has ended.</summary>
    public void RestartAtEnd() => _isToRestart = true;

    /// <summary>Ends the domain at once, for a program that does not end; once, from any thread.</summary>
    public void End()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        log(_isToRestart ? "INFO[DOMAIN]: restarting" : "INFO[DOMAIN]: switching off");
        if (_isToRestart) machine.Restart();
        else machine.PowerOff();
    }

    private string[] Prepare()
    {
        foreach ((string type, string target) in FileSystems) machine.Mount(type, target);
        foreach (string module in machine.Modules) machine.LoadModule(module);
        IReadOnlyList<string> arguments = KernelCommandLine.Parse(machine.CommandLine).ArgumentsOf(role);
        AwaitDisk(role.DiskOf(arguments));
        return [.. arguments];
    }

    private void AwaitDisk(string disk)
    {
        for (TimeSpan waited = TimeSpan.Zero; !machine.HasDisk(disk); waited += Look)
        {
            if (!machine.HasAnyDisk())
                throw new StubDomainException("this domain has no disk; its configuration needs disk=[\"file:/path/image,hda,w\"], for the state");
            if (waited >= DiskPatience)
                throw new StubDomainException(
                    $"{disk} did not come within {DiskPatience.TotalSeconds} s; does the configuration call a disk so (xvda may be hda), and is its backend running?");
            machine.Pause(Look);
        }
    }

    /// <summary>A console is logged where secrets do not belong.</summary>
    private static string Shown(string argument)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        bool isSecret = equals > 0 && argument[..equals].EndsWith("_auth", StringComparison.Ordinal);
        return isSecret ? argument[..equals] + "=(not shown)" : argument;
    }
}
