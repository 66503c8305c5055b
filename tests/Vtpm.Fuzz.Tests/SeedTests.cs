using Vtpm.Boot;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz.Tests;

/// <summary>What the fuzzers begin with: no finding, and deep enough.</summary>
public class SeedTests
{
    /// <summary>
    /// The scripts of the theories, as programs, get as far as the scripts do: so a command that is added there is fuzzed behind all its checks.
    /// </summary>
    [Fact]
    public void SessionSeeds_EveryCommandOfTheTable_SucceedsInOne()
    {
        HashSet<TpmOrdinal> succeeded = [];
        foreach ((_, byte[] seed) in FuzzTargets.Of("session").Seeds())
        {
            (SessionStart start, List<SessionStep> steps) = SessionProgram.Read(seed);
            var machine = new SessionMachine(start);
            foreach (SessionStep step in steps)
            {
                if (machine.Run(step) == TpmResult.Success) succeeded.Add((TpmOrdinal)step.Ordinal);
            }
        }

        // The archive is made by the script from what it decrypts of another: no program can do that.
        IEnumerable<TpmOrdinal> all = CommandTable.Create(TestTpm.EveryCommand).Commands.Select(command => command.Traits.Ordinal);
        Assert.Equal([], all.Except(succeeded).Except([TpmOrdinal.LoadMaintenanceArchive]));
    }

    /// <summary>Each is taken over, with what it was made for.</summary>
    [Fact]
    public void EmulatorSeeds_EachOne_IsAStateWithWhatItIsNamedFor()
    {
        var target = new EmulatorTarget();
        foreach ((string name, byte[] seed) in target.Seeds())
        {
            PermanentState state = target.Take(seed, new TransparentRsa());
            Assert.Equal(1, state.Nv.Areas.Length);
            Assert.Equal(name != "unowned", state.Data.Srk is not null);
            Assert.Equal(name.StartsWith("key", StringComparison.Ordinal) ? 1 : 0, state.OwnerEvictKeys.Count);
            Assert.Equal(name == "delegation", state.Delegation.FindRow(1) is not null);
            Assert.Equal(name == "delegation" ? 1 : 0, state.Delegation.Families.Length);
        }
    }

    /// <summary>Each disk starts a kernel.</summary>
    [Fact]
    public void BootSeeds_EachDisk_IsReadToTheEnd()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("vtpm-fuzz-");
        int disks = 0;
        foreach ((string name, byte[] seed) in new BootTarget().Seeds().Where(seed => seed.Input[0] == 0))
        {
            string path = Path.Combine(folder.FullName, name);
            File.WriteAllBytes(path, seed[1..]);
            using GuestDisk disk = GuestDisk.Open(path, mostRead: 1 << 20);
            FoundBoot found = BootSearch.Find(disk, new BootChoice());
            Assert.True(GuestBoot.SizeOf(found) is { Kernel: > 0, Initrd: > 0 }, name);
            disks++;
        }

        folder.Delete(recursive: true);
        Assert.Equal(10, disks);
    }
}
