namespace Vtpm.SystemTests;

/// <summary>The executable under test: native, as users have it.</summary>
internal static class VtpmBinary
{
    private static string? _path;

    public static string Path => _path ??= Find();

    private static string Find()
    {
        string path = Environment.GetEnvironmentVariable("VTPM_BINARY") is { Length: > 0 } named ? named : System.IO.Path.Combine(Root(), "out", "vtpm");
        return File.Exists(path)
            ? path
            : throw new InvalidOperationException($"there is no {path}; run ./test, or dotnet publish src/Vtpm.Cli -c Release -r linux-x64 -o out, or name another with VTPM_BINARY");
    }

    /// <summary>The repository.</summary>
    public static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Vtpm.slnx"))) return folder.FullName;
        }

        throw new InvalidOperationException($"no Vtpm.slnx above {AppContext.BaseDirectory}: the tests run in the repository");
    }
}
