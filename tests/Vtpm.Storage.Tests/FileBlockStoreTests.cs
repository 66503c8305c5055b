using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

public sealed class FileBlockStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("vtpm-store-").FullName;

    private string FilePath => Path.Combine(_directory, "image");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void OpenOrCreate_NoFile_MakesZerosForTheOwnerAlone()
    {
        using (FileBlockStore store = FileBlockStore.OpenOrCreate(FilePath, 100_000)) Assert.Equal(100_000, store.Length);
        Assert.Equal(new byte[100_000], File.ReadAllBytes(FilePath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(_directory));
    }

    [Fact]
    public void OpenOrCreate_FileThere_KeepsIt()
    {
        File.WriteAllBytes(FilePath, [1, 2, 3]);
        using FileBlockStore store = FileBlockStore.OpenOrCreate(FilePath, 100_000);
        Assert.Equal(3, store.Length);
        var bytes = new byte[3];
        store.Read(0, bytes);
        Assert.Equal([1, 2, 3], bytes);
    }

    [Fact]
    public void Write_AfterReopening_IsThere()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(5000);
        using (FileBlockStore store = FileBlockStore.OpenOrCreate(FilePath, 100_000))
        {
            store.Write(777, bytes);
            store.Flush();
        }

        using FileBlockStore again = FileBlockStore.Open(FilePath);
        var read = new byte[5000];
        again.Read(777, read);
        Assert.Equal(bytes, read);
    }

    [Fact]
    public void ReadAndWrite_OutsideTheStore_AreRefused()
    {
        using FileBlockStore store = FileBlockStore.OpenOrCreate(FilePath, 4096);
        Assert.Throws<StorageException>(() => store.Write(4095, new byte[2]));
        Assert.Throws<StorageException>(() => store.Read(4096, new byte[1]));
        Assert.Throws<StorageException>(() => store.Read(-1, new byte[1]));
        Assert.Throws<StorageException>(() => store.Read(long.MaxValue, new byte[1]));
        Assert.Equal(4096, new FileInfo(FilePath).Length);
    }

    [Fact]
    public void Open_Twice_IsRefusedAsInUse()
    {
        using FileBlockStore store = FileBlockStore.OpenOrCreate(FilePath, 4096);
        StorageException error = Assert.Throws<StorageException>(() => FileBlockStore.Open(FilePath));
        Assert.Equal(StorageFault.InUse, error.Fault);
        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhatCannotServe_SaysWhy()
    {
        Assert.Equal(StorageFault.NotFound, Assert.Throws<StorageException>(() => FileBlockStore.Open(FilePath)).Fault);
        string nowhere = Path.Combine(_directory, "none", "image");
        Assert.Equal(StorageFault.NotFound, Assert.Throws<StorageException>(() => FileBlockStore.OpenOrCreate(nowhere, 1)).Fault);
        Assert.Equal(StorageFault.AccessDenied, Assert.Throws<StorageException>(() => FileBlockStore.Open(_directory)).Fault);
        Assert.Equal(StorageFault.Unsuitable, Assert.Throws<StorageException>(() => FileBlockStore.Open("/dev/zero")).Fault);
    }

    [Fact]
    public void OpenOrCreate_ManyAtOnce_OneHasItAndTheOthersAreRefused()
    {
        for (int round = 0; round < 20; round++)
        {
            string path = $"{FilePath}{round}";
            var opened = new System.Collections.Concurrent.ConcurrentBag<FileBlockStore>();
            Parallel.For(0, 4, _ =>
            {
                try
                {
                    opened.Add(FileBlockStore.OpenOrCreate(path, 4096));
                }
                catch (StorageException error)
                {
                    Assert.Equal(StorageFault.InUse, error.Fault);
                }
            });
            Assert.InRange(opened.Count, 0, 1);
            foreach (FileBlockStore store in opened) store.Dispose();
        }
    }

    [Fact]
    public void DirectorySync_NewFile_FlushesItsDirectory()
    {
        File.WriteAllBytes(FilePath, [1]);
        Assert.True(DirectorySync.Flush(FilePath) >= 1);
        string link = Path.Combine(_directory, "link");
        string real = Directory.CreateDirectory(Path.Combine(_directory, "real")).FullName;
        Directory.CreateSymbolicLink(link, real);
        File.WriteAllBytes(Path.Combine(real, "x"), [1]);
        Assert.True(DirectorySync.Flush(Path.Combine(link, "x")) >= 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(1536)]
    [InlineData(2 * 1024 * 1024)]
    [InlineData((2 * 1024 * 1024) - 512)]
    [InlineData((2 * 1024 * 1024) + 512)]
    [InlineData(18_000_207_937_536)]
    public void DeviceLength_AnyDevice_IsFoundByReading(long length)
    {
        int reads = 0;
        long found = DeviceLength.Probe(offset =>
        {
            reads++;
            return offset < length;
        });
        Assert.Equal(length, found);
        Assert.InRange(reads, 1, 100);
    }

    [Fact]
    public void DeviceLength_NoEnd_IsRefused() => Assert.Throws<IOException>(() => DeviceLength.Probe(_ => true));
}
