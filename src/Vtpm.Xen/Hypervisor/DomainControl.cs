namespace Vtpm.Xen;

/// <summary><c>XEN_DOMCTL_getdomaininfo</c> and <c>XEN_DOMCTL_gettscinfo</c>: what the hypervisor knows of a domain, for dom0 alone.</summary>
/// <remarks><code>
///  struct xen_domctl: cmd u32, interface_version u32, domain u16, 6 bytes, and at 16:
///   0  domain u16, 2 bytes, flags u32     8  six counts of pages, u64      56  cpu_time u64
///  64  nr_online_vcpus u32, max_vcpu_id u32, ssidref u32        76  handle, 16 bytes …
///  or of its time stamp counter: 0  mode u32, kHz u32, incarnation u32
/// </code>
/// A domain is of the first incarnation, and one that was restored or migrated of the next after that of the domain which was saved.
/// The interface is not stable, so every release has its number for it; in all those below, the beginning of this structure is the same.
/// </remarks>
internal sealed class DomainControl(IHypercalls hypercalls)
{
    private const uint GetDomainInfo = 5;
    private const uint GetTimeStampCounter = 59;
    private const uint FirstIncarnation = 1;
    private const uint OldestVersion = 0x0B;   // Xen 4.6
    private const uint NewestVersion = 0x18;   // Xen 4.22
    private const uint FlagPaused = 1 << 3;
    private const int NotThisVersion = -13;    // EACCES
    private const int Argument = 16;

    private uint _version;

    /// <returns>Null where nothing is told.</returns>
    public (DomainInfo Info, uint SecurityId)? Describe(uint domain)
    {
        if (domain > ushort.MaxValue || !Ask((ushort)domain)) return null;
        ReadOnlySpan<byte> info = hypercalls.Page[Argument..];
        // For a domain that has gone, older releases of the call tell of the next one.
        if (BitConverter.ToUInt16(info) != domain) return null;
        bool paused = (BitConverter.ToUInt32(info[4..]) & FlagPaused) != 0;
        ulong time = BitConverter.ToUInt64(info[56..]);
        var described = new DomainInfo(new Guid(info.Slice(76, 16), bigEndian: true), !paused || time != 0, Label: null)
            { ProcessorTime = new TimeSpan((long)(time / TimeSpan.NanosecondsPerTick)) };
        uint securityId = BitConverter.ToUInt32(info[72..]);
        return (described with { IsRestored = Ask(GetTimeStampCounter, (ushort)domain, _version) == 0 && Incarnation > FirstIncarnation }, securityId);
    }

    private uint Incarnation => BitConverter.ToUInt32(hypercalls.Page[(Argument + 8)..]);

    private bool Ask(ushort domain)
    {
        if (_version != 0) return Ask(GetDomainInfo, domain, _version) == 0;
        for (uint version = NewestVersion; version >= OldestVersion; version--)
        {
            int result = Ask(GetDomainInfo, domain, version);
            if (result == NotThisVersion) continue;
            if (result == 0) _version = version;
            return result == 0;
        }

        return false;
    }

    private int Ask(uint command, ushort domain, uint version)
    {
        Span<byte> page = hypercalls.Page;
        page.Clear();
        BitConverter.TryWriteBytes(page, command);
        BitConverter.TryWriteBytes(page[4..], version);
        BitConverter.TryWriteBytes(page[8..], domain);
        return hypercalls.Call(Hypercall.DomainControl);
    }
}
