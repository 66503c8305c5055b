using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>A file that nobody else can open for the time being: whoever tries waits, as for a disk that does not answer.</summary>
internal sealed partial class Lease : IDisposable
{
    private const int SetSignal = 10;
    private const int SetLease = 1024;
    private const int ToWrite = 1;

    /// <summary>SIGURG, which does nothing: the kernel tells the holder that somebody waits.</summary>
    private const int Urgent = 23;

    private readonly SafeFileHandle _file;

    public Lease(string path)
    {
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Assert.Equal(0, Control(_file, SetSignal, Urgent));
        Assert.Equal(0, Control(_file, SetLease, ToWrite));
    }

    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeHandle file, int command, int argument);
}
