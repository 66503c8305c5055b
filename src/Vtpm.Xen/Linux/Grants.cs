using System.Runtime.InteropServices;

namespace Vtpm.Xen;

/// <summary>Pages that domains share: others' by /dev/xen/gntdev, our own by /dev/xen/gntalloc. Each is opened when it is first needed.</summary>
internal sealed class Grants : IDisposable
{
    private const char Ioctl = 'G';
    private const int MapReference = 0;
    private const int UnmapReference = 1;
    private const int AllocateReference = 5;
    private const int DeallocateReference = 6;
    private const ushort Writable = 1;

    private XenDevice? _others;
    private XenDevice? _own;

    public MappedPage Map(uint domain, uint reference)
    {
        XenDevice device = _others ??= XenDevice.Open("/dev/xen/gntdev", "xen-gntdev");
        string what = $"map grant {reference} of domain {domain}";
        var map = new MapArgument { Count = 1, Domain = domain, Reference = reference };
        device.Control(Ioctl, MapReference, ref map, what);
        var unmap = new RangeArgument { Index = map.Index, Count = 1 };
        try
        {
            return new MappedPage(device.Map(map.Index, ISharedPage.Size, what), reference, Release);
        }
        catch
        {
            Release();
            throw;
        }

        void Release() => End(device, UnmapReference, unmap);
    }

    public MappedPage Allocate(uint domain)
    {
        XenDevice device = _own ??= XenDevice.Open("/dev/xen/gntalloc", "xen-gntalloc");
        string what = $"grant a page to domain {domain}";
        var allocate = new AllocateArgument { Domain = (ushort)domain, Flags = Writable, Count = 1 };
        device.Control(Ioctl, AllocateReference, ref allocate, what);
        var deallocate = new RangeArgument { Index = allocate.Index, Count = 1 };
        try
        {
            return new MappedPage(device.Map(allocate.Index, ISharedPage.Size, what), allocate.Reference, Release);
        }
        catch
        {
            Release();
            throw;
        }

        void Release() => End(device, DeallocateReference, deallocate);
    }

    public void Dispose()
    {
        _others?.Dispose();
        _own?.Dispose();
    }

    private static void End(XenDevice device, int number, RangeArgument range)
    {
        try
        {
            if (!device.Handle.IsClosed) device.Control(Ioctl, number, ref range, "end a grant");
        }
        catch (XenException)
        {
            // The kernel ends it with the device, at the latest with this process.
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MapArgument
    {
        public uint Count;
        public uint Padding;
        public ulong Index;
        public uint Domain;
        public uint Reference;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AllocateArgument
    {
        public ushort Domain;
        public ushort Flags;
        public uint Count;
        public ulong Index;
        public uint Reference;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct RangeArgument
    {
        public ulong Index;
        public uint Count;
        public uint Padding;
    }
}
