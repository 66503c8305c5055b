namespace Vtpm.Storage.Tests;

/// <summary>Images in <c>tests/vectors/manager-image</c>: a sector a line, without those that are zero.</summary>
internal static class ImageVectors
{
    private const int SectorSize = 4096;

    /// <summary>Whether the vectors are to be written, not read: <c>VTPM_WRITE_VECTORS=1</c>.</summary>
    public static bool Writes => Environment.GetEnvironmentVariable("VTPM_WRITE_VECTORS") == "1";

    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "vectors", name);

    public static byte[] Read(string name, int length = 512 * SectorSize)
    {
        byte[] disk = new byte[length];
        foreach (string line in File.ReadLines(PathOf(name)))
        {
            string[] parts = line.Split(": ");
            Convert.FromBase64String(parts[1]).CopyTo(disk, int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture) * SectorSize);
        }

        return disk;
    }

    /// <summary>Writes into the repository, whose root is above the build's folder.</summary>
    public static void Write(string name, string text)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Vtpm.slnx"))) folder = folder.Parent!;
        File.WriteAllText(Path.Combine(folder.FullName, "tests", "vectors", "manager-image", name), text);
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
    }

    public static string ToText(byte[] disk) => string.Concat(Enumerable.Range(0, disk.Length / SectorSize)
        .Where(sector => disk.AsSpan(sector * SectorSize, SectorSize).ContainsAnyExcept((byte)0))
        .Select(sector => $"{sector}: {Convert.ToBase64String(disk, sector * SectorSize, SectorSize)}\n"));
}
