using System.Buffers.Binary;
using System.Diagnostics;

namespace Vtpm.Boot.Tests;

/// <summary>A guest's disk, with file systems that mke2fs has made.</summary>
internal sealed class DiskImage : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vtpm-disk-");

    /// <summary>What the file system is filled with.</summary>
    public string Root => Path.Combine(_folder.FullName, "root");

    public string File => Path.Combine(_folder.FullName, "disk");

    public DiskImage() => Directory.CreateDirectory(Root);

    public void Dispose() => _folder.Delete(recursive: true);

    public DiskImage With(string path, string content) => With(path, System.Text.Encoding.Latin1.GetBytes(content));

    public DiskImage With(string path, byte[] content)
    {
        string file = Root + path;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        System.IO.File.WriteAllBytes(file, content);
        return this;
    }

    public DiskImage WithLink(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Root + path)!);
        System.IO.File.CreateSymbolicLink(Root + path, target);
        return this;
    }

    /// <summary>Makes a file system of the files, as the whole disk.</summary>
    public DiskImage Format(params string[] options)
    {
        System.IO.File.Delete(File);
        var start = new ProcessStartInfo("mke2fs") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PATH"] += ":/usr/sbin:/sbin";
        foreach (string argument in (string[])["-q", "-F", .. options, "-d", Root, File, "16M"]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? this : throw new InvalidOperationException(said);
    }

    /// <summary>Puts the file system behind other sectors.</summary>
    /// <param name="write">Writes what stands before it: takes the disk, returns the file system's first sector.</param>
    public DiskImage Behind(Func<byte[], int> write)
    {
        byte[] content = System.IO.File.ReadAllBytes(File), disk = new byte[content.Length + (1 << 20)];
        content.CopyTo(disk, write(disk) * 512);
        System.IO.File.WriteAllBytes(File, disk);
        return this;
    }

    /// <summary>One entry of an MBR, or of a logical partition's table.</summary>
    public static void WriteEntry(byte[] disk, int table, int index, byte type, int start, int count)
    {
        Span<byte> entry = disk.AsSpan(table * 512 + 446 + 16 * index, 16);
        entry[4] = type;
        BinaryPrimitives.WriteInt32LittleEndian(entry[8..], start);
        BinaryPrimitives.WriteInt32LittleEndian(entry[12..], count);
        disk[table * 512 + 510] = 0x55;
        disk[table * 512 + 511] = 0xAA;
    }
}
