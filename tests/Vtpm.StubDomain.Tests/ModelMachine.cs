namespace Vtpm.StubDomain.Tests;

/// <summary>A domain without a kernel: notes what is asked of it, in order.</summary>
internal sealed class ModelMachine : IDomainMachine
{
    public List<string> Steps { get; } = [];

    public List<string> Console { get; } = [];

    public string CommandLine { get; init; } = "";

    public IReadOnlyList<string> Modules { get; init; } = ["xen-blkfront", "xen-evtchn"];

    /// <summary>The step that the kernel refuses.</summary>
    public string? Refused { get; init; }

    public bool HasConfiguredDisk { get; init; } = true;

    /// <summary>After so much waiting the disk is there.</summary>
    public TimeSpan DiskComesAfter { get; init; }

    public TimeSpan Waited { get; private set; }

    public void Mount(string type, string target) => Do($"mount {type} {target}");

    public void LoadModule(string name) => Do($"load {name}");

    public bool HasAnyDisk() => HasConfiguredDisk;

    public string Disk { get; init; } = FirstProcess.Disk;

    public bool HasDisk(string path) => HasConfiguredDisk && path == Disk && Waited >= DiskComesAfter;

    public DomainMemory ReadMemory() => new(40_000, 20_000, 9_000);

    public void Pause(TimeSpan time) => Waited += time;

    public void PowerOff() => Do("power off");

    public void Restart() => Do("restart");

    private void Do(string step)
    {
        Steps.Add(step);
        if (step == Refused) throw new StubDomainException($"{step}: refused");
    }
}
