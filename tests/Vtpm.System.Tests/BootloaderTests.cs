using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Vtpm.SystemTests;

/// <summary><c>vtpm-bootloader</c>, called as xl calls a bootloader=.</summary>
public sealed class BootloaderTests
{
    private const string Uuid = "1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10";
    private const string Menu = "menuentry 'Debian' {\n linux /boot/vmlinuz root=/dev/xvda1 ro\n initrd /boot/initrd.img\n}\n";

    [Fact]
    public void Bootloader_OfADisk_GivesXlWhatItHasMeasured()
    {
        using TestFolder folder = Disk();
        (int exitCode, string output, string asked) = Run(folder, "ok\n", "--args=quiet");
        Assert.Equal((0, $"measure {Uuid} 4:{Sha1("the kernel")},5:{Sha1("root=/dev/xvda1 ro quiet")},5:{Sha1("the initrd")}\n"), (exitCode, asked));
        Assert.Contains("'Debian' of the disk", output, StringComparison.Ordinal);
        string[] answer = File.ReadAllText(folder["out"]).Split('\0');
        Assert.Equal("args root=/dev/xvda1 ro quiet", answer[2]);
        Assert.Equal("the kernel", File.ReadAllText(answer[0]["kernel ".Length..]));
        Assert.Equal("the initrd", File.ReadAllText(answer[1]["ramdisk ".Length..]));
    }

    [Theory]
    [InlineData("error there is no such vTPM\n", "there is no such vTPM")]
    [InlineData("ok\n", "has no file /boot/none", "--kernel=/boot/vmlinuz", "--ramdisk=/boot/none")]
    [InlineData("ok\n", "no entry 'other'", "--entry=other")]
    [InlineData("ok\n", "no such partition", "--partition=1")]
    [InlineData("ok\n", "bootloader_restrict=1", "--runas=1000", "--quiet")]
    [InlineData("ok\n", "kernel has 3 MiB, and at most 1 are copied: --max-kernel=MIB", "--max-kernel=1", "--kernel=/boot/large")]
    [InlineData("ok\n", "initrd has 3 MiB, and at most 2 are copied: --max-ramdisk=MIB", "--max-ramdisk=2", "--kernel=/boot/vmlinuz", "--ramdisk=/boot/large")]
    [InlineData("ok\n", "initrd has 1048576 MiB, and at most 256", "--kernel=/boot/vmlinuz", "--ramdisk=/boot/sparse")]
    public void Bootloader_ThatCannotMeasure_StartsNothing(string answer, string says, params string[] arguments)
    {
        using TestFolder folder = Disk();
        (int exitCode, string output, _) = Run(folder, answer, arguments);
        Assert.Equal(1, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["out"]));
        Assert.Empty(Directory.EnumerateFiles(folder["files"]));
    }

    [Theory]
    [InlineData("--max-kernel=0")]
    [InlineData("--max-kernel=1025")]
    [InlineData("--max-ramdisk=many")]
    public void Bootloader_WithALimitThatIsNone_SaysWhatToWrite(string argument)
    {
        using TestFolder folder = Disk();
        (int exitCode, string output, string asked) = Run(folder, "ok\n", argument);
        Assert.Equal((2, ""), (exitCode, asked));
        Assert.Contains("write a number of MiB from 1 to 1024", output, StringComparison.Ordinal);
    }

    private static (int ExitCode, string Output, string Asked) Run(TestFolder folder, string answer, params string[] arguments)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder["s"]));
        listener.Listen();
        // One that is not asked is closed below.
        Task<string> asked = Task.Run(() => Answer(listener, answer));
        File.CreateSymbolicLink(folder["vtpm-bootloader"], VtpmBinary.Path);
        using VtpmProcess process = VtpmProcess.StartProgram(
            folder["vtpm-bootloader"],
            [
                .. arguments, $"--output={folder["out"]}", "--output-format=simple0", $"--output-directory={folder["files"]}", $"--uuid={Uuid}",
                $"--backend=unix:{folder["s"]}", folder["disk"],
            ]);
        int exitCode = process.WaitForExit();
        listener.Close();
        return (exitCode, process.Log, asked.GetAwaiter().GetResult());
    }

    private static string Answer(Socket listener, string answer)
    {
        try
        {
            using Socket client = listener.Accept();
            byte[] asked = new byte[4096];
            int length = client.Receive(asked);
            client.Send(Encoding.UTF8.GetBytes(answer));
            return Encoding.UTF8.GetString(asked, 0, length);
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static TestFolder Disk()
    {
        var folder = new TestFolder();
        Directory.CreateDirectory(folder["root/boot/grub"]);
        Directory.CreateDirectory(folder["files"]);
        File.WriteAllText(folder["root/boot/vmlinuz"], "the kernel");
        File.WriteAllText(folder["root/boot/initrd.img"], "the initrd");
        File.WriteAllText(folder["root/boot/grub/grub.cfg"], Menu);
        File.WriteAllBytes(folder["root/boot/large"], new byte[(2 << 20) + 1]);
        // As long as a file system can make it, and with no block on the disk.
        using (FileStream sparse = File.Create(folder["root/boot/sparse"])) sparse.SetLength(1L << 40);
        var start = new ProcessStartInfo("mke2fs", ["-q", "-F", "-t", "ext4", "-d", folder["root"], folder["disk"], "8M"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PATH"] += ":/usr/sbin:/sbin";
        using Process process = Process.Start(start)!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, said);
        return folder;
    }

    private static string Sha1(string text) => Convert.ToHexStringLower(SHA1.HashData(Encoding.ASCII.GetBytes(text)));
}
