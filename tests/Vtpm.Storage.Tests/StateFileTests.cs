using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

public sealed class StateFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("vtpm-state-").FullName;

    private string FilePath => Path.Combine(_directory, "state");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Open_NoFile_MakesAnEmptyOneForTheOwnerAlone()
    {
        using (StateFile file = StateFile.Open(FilePath)) Assert.Null(file.Load());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(_directory));
        using StateFile again = StateFile.Open(FilePath);
        Assert.Null(again.Load());
        Assert.False(again.OtherSlotDamaged);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5000)]
    [InlineData(65_000)]
    [InlineData(70_000)]
    [InlineData(1_000_000)]
    public void Save_AnyLength_IsFoundAgain(int length)
    {
        byte[] state = RandomNumberGenerator.GetBytes(length);
        using (StateFile file = StateFile.Open(FilePath))
        {
            file.Save([1, 2, 3]);
            file.Save(state);
            Assert.Equal(state, file.Load());
        }

        using (StateFile file = StateFile.Open(FilePath))
        {
            Assert.Equal(state, file.Load());
            file.Save([4]);
        }

        using StateFile last = StateFile.Open(FilePath);
        Assert.Equal([4], last.Load());
        Assert.Equal([FilePath], Directory.GetFiles(_directory));
    }

    [Fact]
    public void Save_InTheSteadyState_ChangesNeitherLengthNorOtherSlot()
    {
        using (StateFile file = StateFile.Open(FilePath)) file.Save(new byte[1000]);
        byte[] before = File.ReadAllBytes(FilePath);
        using (StateFile file = StateFile.Open(FilePath)) file.Save(RandomNumberGenerator.GetBytes(1000));
        byte[] after = File.ReadAllBytes(FilePath);
        Assert.Equal(before.Length, after.Length);
        Assert.Equal(before[(4096 + 65536)..], after[(4096 + 65536)..]);
        Assert.Equal(before[..4096], after[..4096]);
    }

    [Fact]
    public void Save_PowerCutAnywhere_LeavesTheOldOrTheNewState()
    {
        byte[] first = RandomNumberGenerator.GetBytes(3000);
        byte[] second = RandomNumberGenerator.GetBytes(4000);
        using (StateFile file = StateFile.Open(FilePath))
        {
            file.Save(RandomNumberGenerator.GetBytes(3500));
            file.Save(first);
        }

        byte[] before = File.ReadAllBytes(FilePath);
        using (StateFile file = StateFile.Open(FilePath)) file.Save(second);
        byte[] after = File.ReadAllBytes(FilePath);
        for (int cut = 0; cut <= after.Length; cut += RecordingStore.Sector)
        {
            foreach (byte[] disk in new byte[][] { [.. after[..cut], .. before[cut..]], [.. before[..cut], .. after[cut..]] })
            {
                File.WriteAllBytes(FilePath, disk);
                using StateFile file = StateFile.Open(FilePath);
                byte[]? found = file.Load();
                Assert.True(found.AsSpan().SequenceEqual(first) || found.AsSpan().SequenceEqual(second), $"cut at {cut}");
                file.Save([1]);
                Assert.Equal([1], file.Load());
            }
        }
    }

    [Fact]
    public void Open_OneSlotDamaged_TakesTheOtherAndSaysSo()
    {
        using (StateFile file = StateFile.Open(FilePath))
        {
            file.Save([1]);
            file.Save([2]);
        }

        Flip(4096 + 44);   // the second save went to slot 0
        using StateFile opened = StateFile.Open(FilePath);
        Assert.Equal([1], opened.Load());
        Assert.True(opened.OtherSlotDamaged);
        opened.Save([3]);
        Assert.False(opened.OtherSlotDamaged);
    }

    [Fact]
    public void Open_DamagedFile_IsAnErrorThatSaysWhatToDoAndNeverAFreshState()
    {
        using (StateFile file = StateFile.Open(FilePath)) file.Save([1]);
        byte[] good = File.ReadAllBytes(FilePath);

        byte[] bothSlots = (byte[])good.Clone();
        bothSlots.AsSpan(4096).Clear();
        byte[][] damaged = [[], new byte[good.Length], bothSlots, good[..^1], good[..4096], [.. "not a state file"u8, .. new byte[200_000]],
            RandomNumberGenerator.GetBytes(200_000)];
        foreach (byte[] content in damaged)
        {
            File.WriteAllBytes(FilePath, content);
            StorageException error = Assert.Throws<StorageException>(() => StateFile.Open(FilePath));
            Assert.Equal(StorageFault.Damaged, error.Fault);
            Assert.Contains("Restore it from a copy", error.Message, StringComparison.Ordinal);
            Assert.Equal(content, File.ReadAllBytes(FilePath));
        }
    }

    [Fact]
    public void Open_NewerVersion_IsRefusedByName()
    {
        using (StateFile file = StateFile.Open(FilePath)) file.Save([1]);
        byte[] content = File.ReadAllBytes(FilePath);
        content[19] = 2;
        File.WriteAllBytes(FilePath, content);
        StorageException error = Assert.Throws<StorageException>(() => StateFile.Open(FilePath));
        Assert.Equal(StorageFault.NewerVersion, error.Fault);
        Assert.Contains("version 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FormatVersionOne_IsReadForever()
    {
        byte[] header = new Layout().Bytes("vTPM state file\n"u8).UInt32(1).UInt32(8192).ToArray();
        byte[] slot = new Layout().UInt64(6).UInt32(3).ToArray();
        byte[] file = new Layout().Bytes(header).Bytes(SHA256.HashData(header)).PadTo(4096 + 8192)
            .Bytes(slot).Bytes(SHA256.HashData([.. slot, 7, 8, 9])).Bytes(7, 8, 9).PadTo(4096 + (2 * 8192)).ToArray();
        File.WriteAllBytes(FilePath, file);
        using StateFile opened = StateFile.Open(FilePath);
        Assert.Equal([7, 8, 9], opened.Load());
    }

    [Fact]
    public void Open_MutatedFiles_OnlyEverRefuses()
    {
        using (StateFile file = StateFile.Open(FilePath)) file.Save([1, 2, 3]);
        byte[] good = File.ReadAllBytes(FilePath);
        var random = new Random(20260804);
        int[] interesting = [.. Enumerable.Range(0, 60), .. Enumerable.Range(4096, 60), .. Enumerable.Range(4096 + 65536, 60)];
        for (int round = 0; round < 400; round++)
        {
            byte[] mutated = round % 5 == 0 ? good[..random.Next(good.Length)] : (byte[])good.Clone();
            for (int flips = random.Next(3); flips >= 0; flips--)
            {
                int at = interesting[random.Next(interesting.Length)];
                if (at < mutated.Length) mutated[at] ^= (byte)(1 << random.Next(8));
            }

            File.WriteAllBytes(FilePath, mutated);
            try
            {
                using StateFile file = StateFile.Open(FilePath);
                Assert.True(file.Load() is null or [1, 2, 3]);
            }
            catch (StorageException error)
            {
                Assert.True(error.Fault is StorageFault.Damaged or StorageFault.NewerVersion);
            }
        }
    }

    [Fact]
    public void Open_Twice_IsRefusedAsInUse()
    {
        using StateFile file = StateFile.Open(FilePath);
        Assert.Equal(StorageFault.InUse, Assert.Throws<StorageException>(() => StateFile.Open(FilePath)).Fault);
        file.Save(new byte[200_000]);   // moves to a larger file, which is locked as well
        Assert.Equal(StorageFault.InUse, Assert.Throws<StorageException>(() => StateFile.Open(FilePath)).Fault);
    }

    [Fact]
    public void Open_LeftoverOfAnInterruptedCreation_IsReplaced()
    {
        File.WriteAllText(FilePath + ".new", "half of something");
        using StateFile file = StateFile.Open(FilePath);
        Assert.Null(file.Load());
        Assert.False(File.Exists(FilePath + ".new"));
    }

    private void Flip(int at)
    {
        byte[] content = File.ReadAllBytes(FilePath);
        content[at] ^= 1;
        File.WriteAllBytes(FilePath, content);
    }
}
