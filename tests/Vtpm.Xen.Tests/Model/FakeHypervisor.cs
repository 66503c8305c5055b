using System.Runtime.InteropServices;
using System.Text;

namespace Vtpm.Xen.Tests;

/// <summary>The hypervisor's side of hypercalls: reads and writes the caller's memory by the addresses that it is given.</summary>
internal sealed class FakeHypervisor : IHypercalls
{
    private readonly byte[] _page = GC.AllocateArray<byte>(4096, pinned: true);

    /// <summary>0 for one that has no domctl for us.</summary>
    public uint DomainControlVersion { get; set; } = 0x15;

    public bool Xsm { get; set; } = true;

    public Dictionary<ushort, (uint Flags, ulong CpuTime, uint SecurityId, Guid Handle)> Domains { get; } = [];

    /// <summary>Of time stamp counters; of a domain that is not here, the hypervisor does not tell.</summary>
    public Dictionary<ushort, uint> Incarnations { get; } = [];

    public Dictionary<uint, uint> Ports { get; } = [];

    public Dictionary<uint, string> Labels { get; } = [];

    public int Calls { get; private set; }

    public Span<byte> Page => _page;

    public ulong Address => (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(_page, 0);

    public int Call(Hypercall call)
    {
        Calls++;
        return (ulong)call switch
        {
            27 => XsmOperation(),
            36 => DomainControl(),
            _ => -38,
        };
    }

    public void Dispose()
    {
        // Nothing outside the collector's memory.
    }

    private int DomainControl()
    {
        if (DomainControlVersion == 0) return -1;                                   // EPERM
        if (BitConverter.ToUInt32(_page, 4) != DomainControlVersion) return -13;    // EACCES
        ushort domain = BitConverter.ToUInt16(_page, 8);
        if (BitConverter.ToUInt32(_page) == 59) return TimeStampCounter(domain);
        if (BitConverter.ToUInt32(_page) != 5) return -38;
        if (!Domains.TryGetValue(domain, out var found)) return -3;                 // ESRCH
        Span<byte> info = _page.AsSpan(16);
        info[..128].Fill(0xEE);
        BitConverter.TryWriteBytes(info, domain);
        BitConverter.TryWriteBytes(info[4..], found.Flags);
        BitConverter.TryWriteBytes(info[56..], found.CpuTime);
        BitConverter.TryWriteBytes(info[72..], found.SecurityId);
        found.Handle.TryWriteBytes(info[76..], bigEndian: true, out _);
        return 0;
    }

    private int TimeStampCounter(ushort domain)
    {
        if (!Incarnations.TryGetValue(domain, out uint incarnation)) return -38;
        Span<byte> info = _page.AsSpan(16);
        info[..24].Fill(0xEE);
        BitConverter.TryWriteBytes(info[8..], incarnation);
        return 0;
    }

    private int XsmOperation()
    {
        if (!Xsm || BitConverter.ToUInt32(_page, 4) != 1) return -38;               // ENOSYS
        switch (BitConverter.ToUInt32(_page))
        {
            case 23:
                if (!Ports.TryGetValue(BitConverter.ToUInt32(_page, 8), out uint peer)) return -22;
                BitConverter.TryWriteBytes(_page.AsSpan(12), peer);
                return 0;
            case 5:
                if (!Labels.TryGetValue(BitConverter.ToUInt32(_page, 8), out string? label)) return -22;
                byte[] text = Encoding.UTF8.GetBytes(label + "\0");
                uint room = BitConverter.ToUInt32(_page, 12);
                BitConverter.TryWriteBytes(_page.AsSpan(12), (uint)text.Length);
                if (text.Length > room) return -34;                                 // ERANGE
                Marshal.Copy(text, 0, (nint)BitConverter.ToUInt64(_page, 16), text.Length);
                return 0;
            default:
                return -38;
        }
    }
}
