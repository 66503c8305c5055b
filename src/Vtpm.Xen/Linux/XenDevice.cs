using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Xen;

/// <summary>One of the kernel's devices in /dev/xen.</summary>
internal sealed unsafe class XenDevice : IDisposable
{
    private readonly string _path;

    private XenDevice(string path, SafeFileHandle handle)
    {
        _path = path;
        Handle = handle;
    }

    public SafeFileHandle Handle { get; }

    /// <param name="path">Such as /dev/xen/evtchn.</param>
    /// <param name="module">The kernel module that makes the device, for the message.</param>
    /// <exception cref="XenException">It is not there, or not for this user.</exception>
    public static XenDevice Open(string path, string module)
    {
        try
        {
            return new XenDevice(path, File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new XenException("ENOENT", $"{path} is not there: is this a Xen domain, and the module {module} loaded (modprobe {module})?", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new XenException("EACCES", $"{path}: no permission to open it; Xen's devices are for root alone unless a udev rule says otherwise", e);
        }
        catch (IOException e)
        {
            throw new XenException("", $"{path}: cannot open it: {e.Message}", e);
        }
    }

    /// <summary>An ioctl that is made of <paramref name="number"/> and the size of its argument.</summary>
    /// <exception cref="XenException">It is refused; <paramref name="what"/> says what that was.</exception>
    public int Control<T>(char type, int number, ref T argument, string what)
        where T : unmanaged
    {
        fixed (T* pointer = &argument)
        {
            int result = LibC.Control(Handle, LibC.Request(type, number, sizeof(T)), pointer);
            return result >= 0 ? result : throw Failed(what);
        }
    }

    public nint Map(ulong offset, int length, string what)
    {
        nint address = LibC.Map(0, (nuint)length, LibC.ProtectionReadWrite, LibC.MapShared, Handle, (long)offset);
        return address == LibC.MapFailed ? throw Failed(what) : address;
    }

    public void Dispose() => Handle.Dispose();

    private XenException Failed(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        return new XenException("", $"{_path}: cannot {what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }
}
