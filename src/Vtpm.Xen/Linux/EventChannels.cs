using System.Runtime.InteropServices;

namespace Vtpm.Xen;

/// <summary>Event channels, by /dev/xen/evtchn: a port that has fired stays silent until it is written back.</summary>
internal sealed class EventChannels : IDisposable
{
    private const char Ioctl = 'E';
    private const int BindInterdomain = 1;
    private const int BindUnboundPort = 2;
    private const int UnbindPort = 3;
    private const int NotifyPort = 4;
    private const int PortsAtOnce = 256;

    private readonly XenDevice _device = XenDevice.Open("/dev/xen/evtchn", "xen-evtchn");
    private readonly byte[] _fired = new byte[PortsAtOnce * sizeof(uint)];

    public SafeHandle Handle => _device.Handle;

    public uint Bind(uint domain, uint remotePort)
    {
        var argument = new Pair { First = domain, Second = remotePort };
        return (uint)_device.Control(Ioctl, BindInterdomain, ref argument, $"bind to port {remotePort} of domain {domain}");
    }

    public uint Offer(uint domain) => (uint)_device.Control(Ioctl, BindUnboundPort, ref domain, $"offer a port to domain {domain}");

    public void Unbind(uint port) => _device.Control(Ioctl, UnbindPort, ref port, $"unbind port {port}");

    public void Notify(uint port) => _device.Control(Ioctl, NotifyPort, ref port, $"notify port {port}");

    /// <summary>Takes the ports that fired, when the device has become readable.</summary>
    public void Take(ICollection<uint> ports)
    {
        int length = (int)LibC.Read(_device.Handle, _fired, (nuint)_fired.Length);
        for (int i = 0; i + sizeof(uint) <= length; i += sizeof(uint)) ports.Add(BitConverter.ToUInt32(_fired, i));
    }

    /// <summary>Lets a port that was taken fire again.</summary>
    public void Rearm(uint port)
    {
        Span<byte> argument = stackalloc byte[sizeof(uint)];
        BitConverter.TryWriteBytes(argument, port);
        _ = LibC.Write(_device.Handle, argument, sizeof(uint));
    }

    public void Dispose() => _device.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private struct Pair
    {
        public uint First;
        public uint Second;
    }
}
