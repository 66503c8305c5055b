using System.Runtime.InteropServices;

namespace Vtpm.Xen;

/// <summary>Hypercalls by /dev/xen/privcmd, with a page of /dev/xen/hypercall, which the kernel keeps where it is.</summary>
internal sealed unsafe class PrivilegedCommands : IHypercalls
{
    private const char Ioctl = 'P';
    private const int MakeHypercall = 0;

    private readonly XenDevice _device;
    private readonly XenDevice _buffer;
    private readonly nint _page;

    /// <exception cref="XenException">The devices are not there, or not for this user.</exception>
    public PrivilegedCommands()
    {
        _device = XenDevice.Open("/dev/xen/privcmd", "xen-privcmd");
        try
        {
            _buffer = XenDevice.Open("/dev/xen/hypercall", "xen-privcmd");
            try
            {
                _page = _buffer.Map(0, ISharedPage.Size, "allocate a page for hypercalls");
            }
            catch
            {
                _buffer.Dispose();
                throw;
            }
        }
        catch
        {
            _device.Dispose();
            throw;
        }
    }

    public Span<byte> Page => new((void*)_page, ISharedPage.Size);

    public ulong Address => (ulong)_page;

    public int Call(Hypercall call)
    {
        var arguments = new Arguments { Operation = (ulong)call, First = Address };
        int result = LibC.Control(_device.Handle, LibC.Request(Ioctl, MakeHypercall, sizeof(Arguments)), &arguments);
        return result >= 0 ? result : -Marshal.GetLastPInvokeError();
    }

    public void Dispose()
    {
        _ = LibC.Unmap(_page, ISharedPage.Size);
        _buffer.Dispose();
        _device.Dispose();
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public ulong Operation;
        public ulong First;
        public ulong Second;
        public ulong Third;
        public ulong Fourth;
        public ulong Fifth;
    }
}
