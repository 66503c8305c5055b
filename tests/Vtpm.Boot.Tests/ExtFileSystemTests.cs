using Vtpm.Wire;
using Xunit;

namespace Vtpm.Boot.Tests;

/// <summary>File systems that mke2fs has made, read without a driver.</summary>
public sealed class ExtFileSystemTests
{
    private static readonly byte[] Large = Bytes(5_000_003);

    [Theory]
    [InlineData("-t", "ext4")]
    [InlineData("-t", "ext4", "-b", "1024")]
    [InlineData("-t", "ext4", "-O", "^64bit,^metadata_csum")]
    [InlineData("-t", "ext3")]
    [InlineData("-t", "ext2", "-b", "1024")]
    [InlineData("-t", "ext2", "-b", "4096", "-I", "128")]
    [InlineData("-t", "ext2", "-r", "0")]
    public void OpenFile_OfAnyKind_HasItsBytes(params string[] options)
    {
        using DiskImage image = new DiskImage().With("/boot/large", Large).With("/boot/small", "small").With("/empty", "").Format(options);
        ExtFileSystem files = Open(image, out GuestDisk disk);
        using (disk)
        {
            Assert.Equal(TpmDigest.Of(Large), Sha1(files, "/boot/large"));
            Assert.Equal("small"u8, files.ReadFile("/boot/small", 100)!);
            Assert.Empty(files.ReadFile("empty", 0)!);
            Assert.Null(files.OpenFile("/boot/none"));
            Assert.Null(files.OpenFile("/boot"));
            Assert.Null(files.OpenFile("/boot/small/none"));
            Assert.Equal([".", "..", "large", "small"], files.List("/boot").Order(StringComparer.Ordinal));
            Assert.Empty(files.List("/none"));
        }
    }

    [Fact]
    public void OpenFile_ByLinks_FollowsThem()
    {
        string deep = "/a/" + string.Concat(Enumerable.Repeat("../a/", 20));
        using DiskImage image = new DiskImage().With("/boot/k-6.1", "six").With("/a/file", "a").WithLink("/vmlinuz", "boot/k-6.1").WithLink("/boot/k", "k-6.1")
            .WithLink("/boot/absolute", "/vmlinuz").WithLink("/long", deep + "file").WithLink("/loop", "loop").WithLink("/up", "../../../a/./file").Format("-t", "ext4");
        ExtFileSystem files = Open(image, out GuestDisk disk);
        using (disk)
        {
            foreach (string path in (string[])["/vmlinuz", "/boot/k", "/boot/absolute", "/boot/../vmlinuz"]) Assert.Equal("six"u8, files.ReadFile(path, 10)!);
            foreach (string path in (string[])["/long", "/up"]) Assert.Equal("a"u8, files.ReadFile(path, 10)!);
            Assert.Throws<BootException>(() => files.OpenFile("/loop"));
        }
    }

    [Fact]
    public void OpenFile_WithHoles_ReadsZeroes()
    {
        using var image = new DiskImage();
        using (FileStream file = File.Create(image.Root + "/holes"))
        {
            file.SetLength(3_000_000);
            file.Position = 2_000_000;
            file.Write("here"u8);
        }

        byte[] expected = new byte[3_000_000];
        "here"u8.CopyTo(expected.AsSpan(2_000_000));
        foreach (string kind in (string[])["ext2", "ext4"])
        {
            image.Format("-t", kind);
            ExtFileSystem files = Open(image, out GuestDisk disk);
            using (disk) Assert.Equal(TpmDigest.Of(expected), Sha1(files, "/holes"));
        }
    }

    /// <summary>Zeroes for which nothing is read of the disk take their time, too.</summary>
    [Fact]
    public void OpenFile_WithHoles_IsNotReadForEver()
    {
        using var image = new DiskImage();
        using (FileStream file = File.Create(image.Root + "/holes")) file.SetLength(8_000_000);
        image.Format("-t", "ext4");
        using GuestDisk disk = GuestDisk.Open(image.File, mostRead: 6_000_000);
        using Stream holes = ExtFileSystem.TryOpen(disk)!.OpenFile("/holes")!;
        Assert.Contains("endless", Assert.Throws<BootException>(() => holes.CopyTo(Stream.Null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void List_OfALargeFolder_HasAllNames()
    {
        using var image = new DiskImage();
        for (int i = 0; i < 400; i++) image.With($"/many/{i}-{new string('x', 60)}", "");
        image.Format("-t", "ext4", "-b", "1024");
        ExtFileSystem files = Open(image, out GuestDisk disk);
        using (disk) Assert.Equal(402, files.List("/many").Distinct().Count());
    }

    [Fact]
    public void ReadFile_ThatIsTooLong_IsRefused()
    {
        using DiskImage image = new DiskImage().With("/file", "12345").Format("-t", "ext4");
        ExtFileSystem files = Open(image, out GuestDisk disk);
        using (disk) Assert.Throws<BootException>(() => files.ReadFile("/file", 4));
    }

    [Theory]
    [InlineData("ext2")]
    [InlineData("ext4")]
    public void Damage_AtAnyPlace_IsNoticedOrHarmless(string kind)
    {
        using DiskImage image = new DiskImage().With("/boot/large", Bytes(300_000)).With("/boot/grub/grub.cfg", "menuentry x {\nlinux /boot/large\n}\n")
            .WithLink("/k", "boot/large").Format("-t", kind, "-b", "1024");
        byte[] good = File.ReadAllBytes(image.File);
        // Everything that describes the file system; the content of files does no harm.
        int[] used = [.. Enumerable.Range(0, good.Length / 512).Where(sector => good.AsSpan(sector * 512, 512).ContainsAnyExcept((byte)0))];
        var random = new Random(18);
        using var file = new FileStream(image.File, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        for (int turn = 0; turn < 400; turn++)
        {
            var places = new HashSet<int>();
            for (int i = random.Next(1, 30); i > 0; i--)
                places.Add(turn % 2 == 0 ? used[random.Next(Math.Min(60, used.Length))] * 512 + random.Next(512) : 1024 + random.Next(264));
            foreach (int place in places) Write(file, place, (byte)(random.Next(3) == 0 ? 0xFF : random.Next(256)));
            using GuestDisk disk = GuestDisk.Open(image.File, BootSize.Longest.MostRead);
            Exception? exception = Record.Exception(() =>
            {
                FoundBoot found = BootSearch.Find(disk, new BootChoice());
                Assert.True(GuestBoot.SizeOf(found).Kernel >= 0);
                GuestBoot.Take(found, "", BootSize.Longest, Stream.Null, Stream.Null, out _);
            });
            if (exception is not null) Assert.IsType<BootException>(exception);
            foreach (int place in places) Write(file, place, good[place]);
        }
    }

    [Fact]
    public void OpenFile_AsOftenAsAFileSystemMakesIt_Ends()
    {
        using var image = new DiskImage();
        for (int i = 0; i < 500; i++) image.With($"/long/{new string('n', 200)}{i}", "");
        image.Format("-t", "ext4", "-b", "1024");
        using GuestDisk disk = GuestDisk.Open(image.File, mostRead: 1 << 24);
        ExtFileSystem files = ExtFileSystem.TryOpen(disk)!;
        int opened = 0;
        Assert.Throws<BootException>(() =>
        {
            for (; opened < 1000; opened++) files.OpenFile("/long/none");
        });
        Assert.InRange(opened, 10, 999);
    }

    private static void Write(FileStream file, int place, byte value)
    {
        file.Position = place;
        file.WriteByte(value);
        file.Flush();
    }

    private static ExtFileSystem Open(DiskImage image, out GuestDisk disk)
    {
        disk = GuestDisk.Open(image.File, BootSize.Longest.MostRead);
        return ExtFileSystem.TryOpen(disk)!;
    }

    private static TpmDigest Sha1(ExtFileSystem files, string path)
    {
        using Stream file = files.OpenFile(path)!;
        return MeasuredCopy.Of([file], destination: null, MeasuredCopy.Longest, out _);
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
