using Xunit;

namespace Vtpm.StubDomain.Tests;

/// <summary>A domain is made ready in order, runs its program once, and ends however that went.</summary>
public class FirstProcessTests
{
    private static readonly StubDomainRole Role =
        new("a-stubdom", ["run", "--listen", "xen:"], word => word.StartsWith("arg", StringComparison.Ordinal));

    [Fact]
    public void Run_MakesTheDomainReadyInOrder_RunsTheProgram_AndSwitchesOff()
    {
        var machine = new ModelMachine { CommandLine = "console=hvc0 arg=1 quiet" };
        Run(machine, arguments =>
        {
            machine.Steps.Add(string.Join(' ', arguments));
            return 0;
        });
        Assert.Equal(
            [
                "mount proc /proc", "mount sysfs /sys", "mount devtmpfs /dev", "mount tmpfs /run", "load xen-blkfront", "load xen-evtchn",
                "run --listen xen: arg=1", "power off",
            ],
            machine.Steps);
    }

    [Fact]
    public void Run_AProgramThatFails_SaysSoAndSwitchesOff()
    {
        var machine = new ModelMachine();
        Run(machine, _ => 3);
        Assert.Contains(machine.Console, line => line.StartsWith("ERROR[DOMAIN]: a-stubdom ended with 3", StringComparison.Ordinal));
        Assert.Equal("power off", machine.Steps[^1]);
    }

    [Fact]
    public void Run_AProgramThatThrows_SaysWhereAndSwitchesOff()
    {
        var machine = new ModelMachine();
        Run(machine, _ => throw new InvalidOperationException("a defect"));
        string line = Assert.Single(machine.Console, line => line.Contains("a defect", StringComparison.Ordinal));
        Assert.Contains(nameof(FirstProcessTests), line, StringComparison.Ordinal);
        Assert.Equal("power off", machine.Steps[^1]);
    }

    [Theory]
    [InlineData("mount devtmpfs /dev")]
    [InlineData("load xen-evtchn")]
    public void Run_WhatTheKernelRefuses_IsSaid_AndTheProgramDoesNotRun(string refused)
    {
        var machine = new ModelMachine { Refused = refused };
        Run(machine, _ => throw new InvalidOperationException("must not run"));
        Assert.Contains(machine.Console, line => line.Contains($"does not start: {refused}: refused", StringComparison.Ordinal));
        Assert.DoesNotContain(machine.Console, line => line.Contains("must not run", StringComparison.Ordinal));
        Assert.Equal("power off", machine.Steps[^1]);
    }

    [Fact]
    public void Run_WaitsForADiskThatComesLate()
    {
        var machine = new ModelMachine { DiskComesAfter = TimeSpan.FromSeconds(5) };
        Run(machine, _ => 0);
        Assert.True(machine.Waited >= TimeSpan.FromSeconds(5));
        Assert.Contains(machine.Console, line => line.Contains("has ended", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_ADiskThatNeverComes_IsWaitedForWithABound()
    {
        var machine = new ModelMachine { DiskComesAfter = TimeSpan.FromHours(1) };
        Run(machine, _ => 0);
        Assert.InRange(machine.Waited, FirstProcess.DiskPatience, FirstProcess.DiskPatience * 2);
        Assert.Contains(machine.Console, line => line.Contains("/dev/xvda did not come within 60 s", StringComparison.Ordinal));
        Assert.Equal("power off", machine.Steps[^1]);
    }

    [Fact]
    public void Run_WaitsForTheDiskThatTheProgramIsToldToUse()
    {
        var machine = new ModelMachine { CommandLine = "arg=xvdb", Disk = "/dev/xvdb", DiskComesAfter = TimeSpan.FromSeconds(5) };
        StubDomainRole role = Role with { DiskOf = arguments => "/dev/" + arguments[^1][4..] };
        new FirstProcess(machine, role, machine.Console.Add).Run(_ => 0);
        Assert.InRange(machine.Waited, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(6));
        Assert.Contains(machine.Console, line => line.Contains("has ended", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_ADomainWithoutADisk_SaysWhatItsConfigurationNeeds_AtOnce()
    {
        var machine = new ModelMachine { HasConfiguredDisk = false };
        Run(machine, _ => 0);
        Assert.Equal(TimeSpan.Zero, machine.Waited);
        Assert.Contains(machine.Console, line => line.Contains("disk=[\"file:/path/image,hda,w\"]", StringComparison.Ordinal));
    }

    [Fact]
    public void RestartAtEnd_TheDomainIsRestarted()
    {
        var machine = new ModelMachine();
        var first = new FirstProcess(machine, Role, machine.Console.Add);
        first.Run(_ =>
        {
            first.RestartAtEnd();
            return 0;
        });
        Assert.Equal("restart", machine.Steps[^1]);
    }

    [Fact]
    public void End_OfAProgramThatGoesOn_EndsTheDomainOnce()
    {
        var machine = new ModelMachine();
        var first = new FirstProcess(machine, Role, machine.Console.Add);
        first.Run(_ =>
        {
            first.End();
            return 0;
        });
        Assert.Single(machine.Steps, "power off");
    }

    [Fact]
    public void Run_SecretsOfTheConfigurationAreNotLogged()
    {
        var machine = new ModelMachine { CommandLine = "arg_auth=text:hush arg=1" };
        string[] given = [];
        Run(machine, arguments =>
        {
            given = arguments;
            return 0;
        });
        Assert.Contains("arg_auth=text:hush", given);
        Assert.DoesNotContain(machine.Console, line => line.Contains("hush", StringComparison.Ordinal));
    }

    private static void Run(ModelMachine machine, Func<string[], int> main) => new FirstProcess(machine, Role, machine.Console.Add).Run(main);
}
