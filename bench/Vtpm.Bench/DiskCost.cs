using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Vtpm.Bench;

/// <summary>What durability costs on this disk at the least: a write in place of as many bytes as a state has, and fdatasync.</summary>
internal sealed class DiskCost : IDisposable
{
    /// <summary>A state with an owner and an NV area.</summary>
    private const int StateSize = 4096;
    private const int FileSize = 128 * 1024;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly byte[] _bytes = new byte[StateSize];
    private long _round;

    public DiskCost(string stateOn)
    {
        _path = Path.Combine(stateOn, $"disk-{Guid.NewGuid():N}"[..16]);
        _file = new FileStream(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        // Allocated before, so that a write changes data alone.
        _file.Write(new byte[FileSize]);
        _file.Flush(flushToDisk: true);
    }

    /// <returns>Milliseconds of one write.</returns>
    public double Measure()
    {
        _bytes.AsSpan().Fill((byte)++_round);
        long began = Stopwatch.GetTimestamp();
        RandomAccess.Write(_file.SafeFileHandle, _bytes, _round % 2 * (FileSize / 2));
        if (LibC.fdatasync(_file.SafeFileHandle) != 0) throw new BenchException($"fdatasync of {_path}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_path);
    }
}
