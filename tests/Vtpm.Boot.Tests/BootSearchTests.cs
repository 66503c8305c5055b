using System.Buffers.Binary;
using System.Text;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Boot.Tests;

/// <summary>What a guest is started with, found on its disk.</summary>
public sealed class BootSearchTests
{
    private const string Menu = "menuentry 'Debian' {\n linux /boot/vmlinuz root=/dev/xvda1 ro\n initrd /boot/initrd.img\n}\n";

    [Fact]
    public void Find_ByGrubsMenu_TakesKernelInitrdAndCommandLine()
    {
        using DiskImage image = Files().With("/boot/grub/grub.cfg", Menu).Format("-t", "ext4");
        (MeasuredBoot boot, string kernel, string initrd, string line) = Take(image, new BootChoice(), "quiet");
        Assert.Equal(("the kernel", "the initrd", "root=/dev/xvda1 ro quiet"), (kernel, initrd, line));
        Assert.Equal(new MeasuredBoot(Sha1("the kernel"), Sha1("root=/dev/xvda1 ro quiet"), Sha1("the initrd")), boot);
    }

    [Theory]
    [InlineData("a primary partition", 2)]
    [InlineData("a logical partition", 6)]
    [InlineData("a GPT", 3)]
    public void Find_OnAPartition_FindsIt(string kind, int number)
    {
        using DiskImage image = Files().With("/boot/grub/grub.cfg", Menu).Format("-t", "ext4").Behind(disk => Table(disk, kind));
        using GuestDisk disk = GuestDisk.Open(image.File, BootSize.Longest.MostRead);
        Assert.Equal($"partition {number}", BootSearch.Find(disk, new BootChoice()).Where);
        Assert.Equal($"partition {number}", BootSearch.Find(disk, new BootChoice(Partition: number)).Where);
        Assert.Contains("no such partition", Assert.Throws<BootException>(() => BootSearch.Find(disk, new BootChoice(Partition: 9))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_OnABootPartition_TakesItsPaths()
    {
        using DiskImage image = new DiskImage().With("/vmlinuz-6", "six").With("/grub2/grub.cfg", "menuentry x --id y {\nlinux /vmlinuz-6 a\n}\n").Format("-t", "ext4");
        (MeasuredBoot boot, string kernel, string initrd, _) = Take(image, new BootChoice());
        Assert.Equal(("six", ""), (kernel, initrd));
        Assert.Equal(TpmDigest.Of([]), boot.Initrd);
    }

    [Fact]
    public void Find_ByTheBootLoaderSpecification_TakesTheNewest()
    {
        using DiskImage image = new DiskImage().With("/k9", "nine").With("/k10", "ten").With("/i1", "in").With("/i2", "itrd")
            .With("/loader/entries/m-6.9.conf", "title Nine\nlinux /k9\noptions root=a\n")
            .With("/loader/entries/m-6.10.conf", "# newest\ntitle Ten\nversion 6.10\nlinux\t/k10\ninitrd /i1\ninitrd /i2\noptions root=a\noptions $kernelopts ro\n")
            .With("/loader/entries/none.conf.old", "linux /k9\n").With("/grub2/grub.cfg", "set timeout=1\nblscfg\n").With("/grub2/grubenv", "# GRUB Environment Block\nkernelopts=x y\n####")
            .Format("-t", "ext4");
        (_, string kernel, string initrd, string line) = Take(image, new BootChoice());
        Assert.Equal(("ten", "initrd", "root=a x y ro"), (kernel, initrd, line));
        Assert.Equal("nine", Take(image, new BootChoice(Entry: "Nine")).Kernel);
        Assert.Equal("nine", Take(image, new BootChoice(Entry: "m-6.9")).Kernel);
    }

    [Fact]
    public void Find_WithoutAMenu_TakesTheLinks()
    {
        using DiskImage image = Files().WithLink("/vmlinuz", "boot/vmlinuz").WithLink("/initrd.img", "boot/initrd.img").Format("-t", "ext4");
        Assert.Equal(("the kernel", "the initrd", "root=x"), Take(image, new BootChoice(), "root=x") is var t ? (t.Kernel, t.Initrd, t.Line) : default);
    }

    [Fact]
    public void Find_OfWhatWasAskedFor_ReadsNoMenu()
    {
        using DiskImage image = Files().With("/boot/grub/grub.cfg", Menu).With("/other", "other").Format("-t", "ext4");
        (_, string kernel, string initrd, string line) = Take(image, new BootChoice("/other", "/boot/initrd.img"), "a b");
        Assert.Equal(("other", "the initrd", "a b"), (kernel, initrd, line));
        Assert.Contains("/none", Assert.Throws<BootException>(() => Take(image, new BootChoice("/none"))).Message, StringComparison.Ordinal);
        Assert.Contains("/none", Assert.Throws<BootException>(() => Take(image, new BootChoice("/other", "/none"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_OnADiskWithoutSystems_SaysWhatItSaw()
    {
        using DiskImage image = new DiskImage().Format("-t", "ext4");
        Assert.Contains("the disk has no such file", Assert.Throws<BootException>(() => Take(image, new BootChoice())).Message, StringComparison.Ordinal);
        File.WriteAllBytes(image.File, new byte[1 << 16]);
        Assert.Contains("no ext2, ext3 or ext4", Assert.Throws<BootException>(() => Take(image, new BootChoice())).Message, StringComparison.Ordinal);
        File.WriteAllBytes(image.File, []);
        Assert.Throws<BootException>(() => Take(image, new BootChoice()));
    }

    [Fact]
    public void Find_BehindAPartitionThatIsNotToBeRead_FindsIt()
    {
        using DiskImage image = Files().With("/boot/grub/grub.cfg", Menu).Format("-t", "ext4").Behind(disk =>
        {
            const int start = 2, inlineData = 0x8000;
            DiskImage.WriteEntry(disk, 0, 0, 0x83, start, 100);
            DiskImage.WriteEntry(disk, 0, 1, 0x83, 200, disk.Length / 512 - 200);
            Span<byte> super = disk.AsSpan(start * 512 + 1024);
            BinaryPrimitives.WriteInt32LittleEndian(super[56..], 0xEF53);
            BinaryPrimitives.WriteInt32LittleEndian(super[76..], 1);
            BinaryPrimitives.WriteInt32LittleEndian(super[96..], inlineData);
            return 200;
        });
        using GuestDisk disk = GuestDisk.Open(image.File, BootSize.Longest.MostRead);
        Assert.Equal("partition 2", BootSearch.Find(disk, new BootChoice()).Where);
        Assert.Contains("features (0x8000)", Assert.Throws<BootException>(() => BootSearch.Find(disk, new BootChoice(Partition: 1))).Message, StringComparison.Ordinal);
    }

    /// <summary>As often as there are entries, it would be more than may be read.</summary>
    [Fact]
    public void Find_AmongManyEntries_ReadsGrubsEnvironmentOnce()
    {
        using DiskImage image = new DiskImage().With("/grub2/grubenv", new string('x', 400_000));
        for (int i = 0; i < 50; i++) image.With($"/loader/entries/{i}.conf", "title none\n");
        image.Format("-t", "ext4", "-b", "1024");
        using GuestDisk disk = GuestDisk.Open(image.File, mostRead: 4_000_000);
        Assert.Contains("has no such file", Assert.Throws<BootException>(() => BootSearch.Find(disk, new BootChoice())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(0)]
    public void Take_OfACommandLineThatAGuestWouldNotGet_IsRefused(int length)
    {
        string arguments = length == 0 ? "a\u0001b" : new string('a', length);
        using DiskImage image = Files().Format("-t", "ext4");
        Assert.Throws<BootException>(() => Take(image, new BootChoice("/boot/vmlinuz"), arguments));
    }

    private static DiskImage Files() => new DiskImage().With("/boot/vmlinuz", "the kernel").With("/boot/initrd.img", "the initrd");

    private static int Table(byte[] disk, string kind)
    {
        int sectors = disk.Length / 512;
        switch (kind)
        {
            case "a primary partition":
                DiskImage.WriteEntry(disk, 0, 0, 0x82, 2, 8);
                DiskImage.WriteEntry(disk, 0, 1, 0x83, 63, sectors - 63);
                return 63;
            case "a logical partition":
                DiskImage.WriteEntry(disk, 0, 2, 0x05, 10, sectors - 10);
                DiskImage.WriteEntry(disk, 10, 0, 0x82, 2, 8);
                DiskImage.WriteEntry(disk, 10, 1, 0x05, 20, sectors - 30);
                DiskImage.WriteEntry(disk, 30, 0, 0x83, 63, sectors - 93);
                return 93;
            default:
                DiskImage.WriteEntry(disk, 0, 0, 0xEE, 1, sectors - 1);
                "EFI PART"u8.CopyTo(disk.AsSpan(512));
                BinaryPrimitives.WriteInt64LittleEndian(disk.AsSpan(512 + 72), 4);
                BinaryPrimitives.WriteInt32LittleEndian(disk.AsSpan(512 + 80), 128);
                BinaryPrimitives.WriteInt32LittleEndian(disk.AsSpan(512 + 84), 128);
                Span<byte> entry = disk.AsSpan(4 * 512 + 2 * 128, 128);
                entry[..32].Fill(7);
                BinaryPrimitives.WriteInt64LittleEndian(entry[32..], 2040);
                BinaryPrimitives.WriteInt64LittleEndian(entry[40..], sectors - 1);
                return 2040;
        }
    }

    private static (MeasuredBoot Boot, string Kernel, string Initrd, string Line) Take(DiskImage image, BootChoice choice, string arguments = "")
    {
        using GuestDisk disk = GuestDisk.Open(image.File, BootSize.Longest.MostRead);
        using var kernel = new MemoryStream();
        using var initrd = new MemoryStream();
        MeasuredBoot boot = GuestBoot.Take(BootSearch.Find(disk, choice), arguments, BootSize.Longest, kernel, initrd, out byte[] line);
        return (boot, Encoding.Latin1.GetString(kernel.ToArray()), Encoding.Latin1.GetString(initrd.ToArray()), Encoding.Latin1.GetString(line));
    }

    private static TpmDigest Sha1(string text) => TpmDigest.Of(Encoding.Latin1.GetBytes(text));
}
