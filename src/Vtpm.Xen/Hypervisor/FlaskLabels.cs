using System.Text;

namespace Vtpm.Xen;

/// <summary>Labels that Xen's security module (XSM, with FLASK) gives to domains, by <c>xen_flask_op</c>. Where it is off there are none.</summary>
/// <remarks><code>
///  struct xen_flask_op: cmd u32, interface_version u32, and at 8:
///   get_peer_sid     evtchn u32, sid u32 (out)
///   sid_to_context   sid u32, size u32 (in: of the buffer; out: of the label with its zero), pointer to the buffer u64
/// </code></remarks>
internal sealed class FlaskLabels(IHypercalls hypercalls)
{
    private const uint SidToContext = 5;
    private const uint GetPeerSid = 23;
    private const uint InterfaceVersion = 1;
    private const int Buffer = 1024;        // in the page
    private const int MostBytes = 1024;

    /// <summary>The label of the domain at the other end of a port of ours.</summary>
    public string? OfPeer(uint port)
    {
        Span<byte> page = Begin(GetPeerSid);
        BitConverter.TryWriteBytes(page[8..], port);
        return hypercalls.Call(Hypercall.Xsm) == 0 ? Of(BitConverter.ToUInt32(page[12..])) : null;
    }

    public string? Of(uint securityId)
    {
        Span<byte> page = Begin(SidToContext);
        BitConverter.TryWriteBytes(page[8..], securityId);
        BitConverter.TryWriteBytes(page[12..], (uint)MostBytes);
        BitConverter.TryWriteBytes(page[16..], hypercalls.Address + Buffer);
        if (hypercalls.Call(Hypercall.Xsm) != 0) return null;
        uint length = BitConverter.ToUInt32(page[12..]);
        if (length is 0 or > MostBytes) return null;
        ReadOnlySpan<byte> label = page.Slice(Buffer, (int)length).TrimEnd((byte)0);
        return label.IsEmpty ? null : Encoding.UTF8.GetString(label);
    }

    private Span<byte> Begin(uint command)
    {
        Span<byte> page = hypercalls.Page;
        page.Clear();
        BitConverter.TryWriteBytes(page, command);
        BitConverter.TryWriteBytes(page[4..], InterfaceVersion);
        return page;
    }
}
