using System.Text;
using Vtpm.Boot;

namespace Vtpm.Cli;

/// <summary>What xl gets: copies of kernel and initrd in its folder, which it removes when it has them, and a file that names them.</summary>
internal sealed class BootloaderOutput : IDisposable
{
    private const UnixFileMode ForOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private readonly string _kernel;
    private readonly string _initrd;
    private byte[] _commandLine = [];
    private bool _isWritten;

    public BootloaderOutput(string path, string folder)
    {
        string name = Guid.NewGuid().ToString("N");
        (_path, _kernel, _initrd) = (path, Path.Combine(folder, $"kernel.{name}"), Path.Combine(folder, $"ramdisk.{name}"));
    }

    public MeasuredBoot Take(FoundBoot found, string arguments, BootSize most)
    {
        using FileStream kernel = Create(_kernel), initrd = Create(_initrd);
        return GuestBoot.Take(found, arguments, most, kernel, initrd, out _commandLine);
    }

    /// <summary>Tells xl, as the last thing: without this nothing starts.</summary>
    public void Write()
    {
        bool hasInitrd = new FileInfo(_initrd).Length > 0;
        if (!hasInitrd) File.Delete(_initrd);
        string ramdisk = hasInitrd ? $"ramdisk {_initrd}\0" : "";
        File.WriteAllBytes(_path, [.. Encoding.UTF8.GetBytes($"kernel {_kernel}\0{ramdisk}args "), .. _commandLine, 0]);
        _isWritten = true;
    }

    public void Dispose()
    {
        if (_isWritten) return;
        File.Delete(_kernel);
        File.Delete(_initrd);
    }

    private static FileStream Create(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = ForOwner });
}
