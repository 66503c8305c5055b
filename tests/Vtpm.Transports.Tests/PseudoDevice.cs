using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Transports.Tests;

/// <summary>A character device made for a test: a pseudo terminal without any terminal's manners. The test holds the driver's end.</summary>
internal sealed partial class PseudoDevice : IDisposable
{
    private const int OpenReadWrite = 2, OpenNoTerminal = 0x100, Now = 0;

    private readonly FileStream _driver;
    // Without a holder of the device's end, the driver's end reports an error.
    private readonly SafeFileHandle _holder;

    public PseudoDevice()
    {
        var driver = posix_openpt(OpenReadWrite | OpenNoTerminal);
        byte[] name = new byte[100];
        if (driver.IsInvalid || unlockpt(driver) != 0 || ptsname_r(driver, name, name.Length) != 0) throw new IOException("no pseudo terminal");
        Path = Encoding.ASCII.GetString(name, 0, Array.IndexOf(name, (byte)0));
        byte[] termios = new byte[256];
        if (tcgetattr(driver, termios) != 0) throw new IOException("no terminal attributes");
        cfmakeraw(termios);
        if (tcsetattr(driver, Now, termios) != 0) throw new IOException("the terminal keeps its manners");
        _driver = new FileStream(driver, FileAccess.ReadWrite, bufferSize: 0);
        _holder = File.OpenHandle(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    }

    public string Path { get; }

    /// <summary>Takes one request and answers with <paramref name="response"/>.</summary>
    public Thread Answer(byte[] response, Action<byte[]>? seen = null)
    {
        var thread = new Thread(() =>
        {
            byte[] request = new byte[TpmMessage.MaxLength];
            int held = 0;
            while (!TpmMessage.IsWhole(request.AsSpan(0, held))) held += _driver.Read(request.AsSpan(held));
            seen?.Invoke(request[..held]);
            _driver.Write(response);
        });
        thread.Start();
        return thread;
    }

    public void Dispose()
    {
        _holder.Dispose();
        _driver.Dispose();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial SafeFileHandle posix_openpt(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlockpt(SafeFileHandle driver);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ptsname_r(SafeFileHandle driver, byte[] name, nint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcgetattr(SafeFileHandle terminal, byte[] termios);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcsetattr(SafeFileHandle terminal, int when, byte[] termios);

    [LibraryImport("libc")]
    private static partial void cfmakeraw(byte[] termios);
}
