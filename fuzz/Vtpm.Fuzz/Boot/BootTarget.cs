using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Vtpm.Boot;
using Vtpm.StubDomain;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// What a guest's start is made out from, by the first byte: the guest's disk (partitions, file system and all that is read of them), a grub.cfg with
/// its environment, an entry of the Boot Loader Specification with one, an xl configuration, a stub domain's command line. Nothing but a refusal
/// comes of bytes that are none; what is taken from a disk is what was measured.
/// </summary>
public sealed class BootTarget : IFuzzTarget
{
    /// <summary>What is read of a disk of a few kilobytes, all in all.</summary>
    private const int MostRead = 1 << 21;

    private static readonly BootSize Most = new(1 << 16, 1 << 16);

    public string Name => "boot";

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return;
        byte[] bytes = input[1..].ToArray();
        try
        {
            switch ((Kind)(input[0] % 5))
            {
                case Kind.Disk:
                    RunDisk(bytes);
                    break;
                case Kind.Grub:
                    GrubConfiguration menu = GrubConfiguration.Parse(bytes.AsSpan(Split(bytes)), bytes.AsSpan(2..Split(bytes)));
                    ImageFaces.Check(menu.Choose() is not { Kernel: "" }, "the menu starts a kernel without a name");
                    menu.Choose("0>1");
                    break;
                case Kind.Entry:
                    BootLoaderSpecification.Parse(bytes.AsSpan(Split(bytes)), GrubConfiguration.ReadEnvironment(Encoding.Latin1.GetString(bytes, 2, Split(bytes) - 2)));
                    break;
                case Kind.Configuration:
                    XlGuest.From(XlConfiguration.Parse(bytes));
                    break;
                default:
                    RunCommandLine(Encoding.Latin1.GetString(bytes));
                    break;
            }
        }
        catch (BootException)
        {
            // Refused.
        }
    }

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        const string menu = """
            set default="a"
            if [ x$feature = xy ]; then menuentry_id_option=--id; fi
            menuentry 'Debian' --class debian $menuentry_id_option 'a' {
              linux /boot/vmlinuz root=/dev/xvda1 ${opts} ro \
                quiet
              initrd /boot/initrd.img /boot/more
            }
            submenu "more" {
              menuentry 'b' { 
                linux16 /boot/k
              }
            }
            """;
        byte[] environment = "# GRUB Environment Block\nopts=x y\n####"u8.ToArray();
        const string entry = "# a kernel\ntitle One\nlinux /k\ninitrd /i\noptions root=a $opts\n";
        (string, string)[] debian =
        [
            ("/boot/grub/grub.cfg", menu), ("/boot/grub/grubenv", Encoding.Latin1.GetString(environment)), ("/boot/k", "the kernel"), ("/boot/vmlinuz", "-> k"),
            ("/boot/initrd.img", "the initrd"), ("/boot/more", "more"),
        ];
        foreach (bool extents in (bool[])[false, true])
        {
            byte[] disk = SmallExt.With(extents, debian);
            yield return ($"disk-{extents}", Of(Kind.Disk, disk));
            yield return ($"mbr-{extents}", Of(Kind.Disk, WithTable(disk, hasGpt: false)));
            yield return ($"gpt-{extents}", Of(Kind.Disk, WithTable(disk, hasGpt: true)));
            yield return ($"entries-{extents}", Of(Kind.Disk, SmallExt.With(extents, ("/loader/entries/a-6.9.conf", entry), ("/k", "k"), ("/i", "i"))));
            yield return ($"links-{extents}", Of(Kind.Disk, SmallExt.With(extents, ("/vmlinuz", "-> /b/../b/k"), ("/initrd.img", "-> b/i"), ("/b/k", "k"), ("/b/i", "i"))));
        }

        byte[] size = [(byte)environment.Length, 0];
        yield return ("grub", Of(Kind.Grub, [.. size, .. environment, .. Encoding.Latin1.GetBytes(menu)]));
        yield return ("entry", Of(Kind.Entry, [.. size, .. environment, .. Encoding.Latin1.GetBytes(entry)]));
        yield return ("xl", Of(Kind.Configuration, """
            name = "guest" # a guest
            kernel='/boot/vmlinuz'; memory=0x100
            root="/dev/xvda1"
            extra = "a\tb"
            extra += " c"
            vtpm=[ "backend=dom0,uuid=41111111-2222-3333-4444-555555555555",
                   'backend=vtpm' ]
            disk=[ ["a", "b"], ]
            """u8.ToArray()));
        yield return ("command-line", Of(Kind.CommandLine, "console=hvc0 owner_auth=\"well known\" -- --manufacture \"\""u8.ToArray()));

        static byte[] Of(Kind kind, byte[] bytes) => [(byte)kind, .. bytes];
    }

    private static void RunDisk(byte[] bytes)
    {
        FoundBoot found = BootSearch.Find(new MemoryDisk(bytes), new BootChoice());
        ImageFaces.Check(GuestBoot.SizeOf(found) is { Kernel: >= 0, Initrd: >= 0 }, "a size below zero");
        using MemoryStream kernel = new(), initrd = new();
        MeasuredBoot boot = GuestBoot.Take(found, "", Most, kernel, initrd, out byte[] commandLine);
        ImageFaces.Check(boot.Kernel == Sha1(kernel) && boot.Initrd == Sha1(initrd), "what was copied is not what was measured");
        ImageFaces.Check(boot.CommandLine == TpmDigest.Of(commandLine), "the command line is not what was measured");
    }

    /// <summary>Words in quotes are the same words.</summary>
    private static void RunCommandLine(string text)
    {
        KernelCommandLine line = KernelCommandLine.Parse(text);
        KernelCommandLine again = KernelCommandLine.Parse(string.Join(' ', line.Words.Select(word => $"\"{word}\"")));
        ImageFaces.Check(again.Words.SequenceEqual(line.Words) && again.After.Count == 0, "the words come back as others");
    }

    /// <summary>The end of the environment: its length stands before it.</summary>
    private static int Split(byte[] bytes) =>
        bytes.Length < 2 ? throw new BootException("nothing is there") : Math.Min(2 + BinaryPrimitives.ReadUInt16LittleEndian(bytes), bytes.Length);

    private static TpmDigest Sha1(MemoryStream stream) => new(SHA1.HashData(stream.ToArray()));

    /// <summary>The file system in a partition, behind an MBR or a GPT of four entries.</summary>
    private static byte[] WithTable(byte[] fileSystem, bool hasGpt)
    {
        const int sector = 512;
        int start = hasGpt ? 3 : 1;
        byte[] disk = [.. new byte[start * sector], .. fileSystem];
        Span<byte> mbr = disk.AsSpan(446);
        mbr[4] = hasGpt ? (byte)0xEE : (byte)0x83;
        BinaryPrimitives.WriteInt32LittleEndian(mbr[8..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(mbr[12..], disk.Length / sector - 1);
        (disk[510], disk[511]) = (0x55, 0xAA);
        if (!hasGpt) return disk;
        Span<byte> header = disk.AsSpan(sector), entry = disk.AsSpan(2 * sector);
        "EFI PART"u8.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header[72..], 2);
        BinaryPrimitives.WriteInt32LittleEndian(header[80..], 4);
        BinaryPrimitives.WriteInt32LittleEndian(header[84..], 128);
        entry[..32].Fill(7);
        BinaryPrimitives.WriteInt64LittleEndian(entry[32..], start);
        BinaryPrimitives.WriteInt64LittleEndian(entry[40..], disk.Length / sector - 1);
        return disk;
    }

    private enum Kind : byte
    {
        Disk, Grub, Entry, Configuration, CommandLine,
    }

    private sealed class MemoryDisk(byte[] bytes) : IDisk
    {
        private readonly ReadBudget _budget = new(MostRead);

        public void Read(long offset, Span<byte> buffer)
        {
            _budget.Take(buffer.Length);
            if (offset < 0 || offset > bytes.Length - buffer.Length) throw new BootException("the disk ends before");
            bytes.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
        }

        public void ReadHole(Span<byte> buffer)
        {
            _budget.Take(buffer.Length);
            buffer.Clear();
        }
    }
}
