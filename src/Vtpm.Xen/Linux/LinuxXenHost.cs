using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Xen;

/// <summary>Xen as a Linux domain has it: by the devices in /dev/xen, and for xenstore in dom0 also by xenstored's socket.</summary>
public sealed class LinuxXenHost : IXenHost
{
    private const string XenBus = "/dev/xen/xenbus";
    private const string XenStoreSocket = "/run/xenstored/socket";

    private readonly EventChannels _channels;
    private readonly Grants _grants = new();
    private readonly Hypervisor _hypervisor = new(() => new PrivilegedCommands());
    private readonly XenStoreClient _store;
    private readonly DescriptorPoll _poll = new();
    private ICollection<uint> _fired = [];

    private LinuxXenHost(EventChannels channels, Stream store, SafeHandle storeHandle)
    {
        _channels = channels;
        _store = new XenStoreClient(store);
        _poll.Attend(channels.Handle, () => channels.Take(_fired));
        _poll.Attend(storeHandle, _store.Pump);
    }

    public IXenStore Store => _store;

    /// <exception cref="XenException">This is no Xen domain, or a device is missing; the message says which.</exception>
    public static LinuxXenHost Open()
    {
        var channels = new EventChannels();
        try
        {
            (Stream store, SafeHandle handle) = OpenStore();
            return new LinuxXenHost(channels, store, handle);
        }
        catch
        {
            channels.Dispose();
            throw;
        }
    }

    public ISharedPage MapGrant(uint domain, uint reference) => _grants.Map(domain, reference);

    public IGrantedPage GrantPage(uint domain) => _grants.Allocate(domain);

    public uint BindEventChannel(uint domain, uint remotePort) => _channels.Bind(domain, remotePort);

    public uint OfferEventChannel(uint domain) => _channels.Offer(domain);

    public void UnbindEventChannel(uint port) => _channels.Unbind(port);

    public void Notify(uint port) => _channels.Notify(port);

    public string? LabelOfPeer(uint port) => _hypervisor.LabelOfPeer(port);

    public DomainInfo? Describe(uint domain) => _hypervisor.Describe(domain);

    public void Wait(TimeSpan timeout, ICollection<uint> ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        _fired = ports;
        _poll.Wait(timeout);
    }

    public void Rearm(uint port) => _channels.Rearm(port);

    public void Attend(SafeHandle handle, Action ready) => _poll.Attend(handle, ready);

    public void Disregard(SafeHandle handle) => _poll.Disregard(handle);

    public void Interrupt() => _poll.Interrupt();

    public void Dispose()
    {
        _poll.Dispose();
        _store.Dispose();
        _channels.Dispose();
        _grants.Dispose();
        _hypervisor.Dispose();
    }

    private static (Stream Store, SafeHandle Handle) OpenStore()
    {
        if (File.Exists(XenStoreSocket))
        {
            // In dom0: without the detour by the kernel.
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(XenStoreSocket));
                return (new NetworkStream(socket, ownsSocket: true), socket.SafeHandle);
            }
            catch (SocketException)
            {
                socket.Dispose();   // Left over from another xenstored; the device knows the right one.
            }
        }

        SafeFileHandle handle = XenDevice.Open(XenBus, "xenfs").Handle;
        return (new FileStream(handle, FileAccess.ReadWrite, bufferSize: 0), handle);
    }
}
