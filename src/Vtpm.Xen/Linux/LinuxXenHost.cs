using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Xen;

/// <summary>Xen as a Linux domain has it: by the devices in /dev/xen, and for xenstore in dom0 also by xenstored's socket.</summary>
public sealed unsafe class LinuxXenHost : IXenHost
{
    private const string XenBus = "/dev/xen/xenbus";
    private const string XenStoreSocket = "/run/xenstored/socket";

    private readonly EventChannels _channels = new();
    private readonly Grants _grants = new();
    private readonly SafeHandle _storeHandle;
    private readonly XenStoreClient _store;
    private readonly SafeFileHandle _interrupt;

    private LinuxXenHost(Stream store, SafeHandle storeHandle)
    {
        _store = new XenStoreClient(store);
        _storeHandle = storeHandle;
        int descriptor = LibC.EventDescriptor(0, 0);
        if (descriptor < 0) throw new XenException($"no event descriptor: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        _interrupt = new SafeFileHandle(descriptor, ownsHandle: true);
    }

    public IXenStore Store => _store;

    /// <exception cref="XenException">This is no Xen domain, or a device is missing; the message says which.</exception>
    public static LinuxXenHost Open()
    {
        if (File.Exists(XenStoreSocket))
        {
            // In dom0: without the detour by the kernel.
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(XenStoreSocket));
                return new LinuxXenHost(new NetworkStream(socket, ownsSocket: true), socket.SafeHandle);
            }
            catch (SocketException)
            {
                socket.Dispose();   // Left over from another xenstored; the device knows the right one.
            }
        }

        SafeFileHandle handle = XenDevice.Open(XenBus, "xenfs").Handle;
        return new LinuxXenHost(new FileStream(handle, FileAccess.ReadWrite, bufferSize: 0), handle);
    }

    public ISharedPage MapGrant(uint domain, uint reference) => _grants.Map(domain, reference);

    public IGrantedPage GrantPage(uint domain) => _grants.Allocate(domain);

    public uint BindEventChannel(uint domain, uint remotePort) => _channels.Bind(domain, remotePort);

    public uint OfferEventChannel(uint domain) => _channels.Offer(domain);

    public void UnbindEventChannel(uint port) => _channels.Unbind(port);

    public void Notify(uint port) => _channels.Notify(port);

    public void Wait(TimeSpan timeout, ICollection<uint> ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        Span<LibC.PollDescriptor> descriptors =
        [
            Readable(_interrupt), Readable(_channels.Handle), Readable(_storeHandle),
        ];
        int milliseconds = timeout == Timeout.InfiniteTimeSpan ? -1 : (int)Math.Min(int.MaxValue, Math.Ceiling(timeout.TotalMilliseconds));
        fixed (LibC.PollDescriptor* pointer = descriptors)
        {
            if (LibC.Poll(pointer, (nuint)descriptors.Length, milliseconds) < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == LibC.Interrupted) return;
                throw new XenException($"cannot wait for Xen: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }

        if (descriptors[0].Returned != 0)
        {
            Span<byte> count = stackalloc byte[sizeof(ulong)];
            _ = LibC.Read(_interrupt, count, sizeof(ulong));
        }

        if (descriptors[1].Returned != 0) _channels.Take(ports);
        if (descriptors[2].Returned != 0) _store.Pump();
    }

    public void Interrupt()
    {
        Span<byte> one = stackalloc byte[sizeof(ulong)];
        BitConverter.TryWriteBytes(one, 1UL);
        _ = LibC.Write(_interrupt, one, sizeof(ulong));
    }

    public void Dispose()
    {
        _store.Dispose();
        _channels.Dispose();
        _grants.Dispose();
        _interrupt.Dispose();
    }

    private static LibC.PollDescriptor Readable(SafeHandle handle) => new() { Descriptor = (int)handle.DangerousGetHandle(), Events = LibC.PollIn };
}
