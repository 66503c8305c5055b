using System.Diagnostics.CodeAnalysis;
using Vtpm.Transports;

namespace Vtpm.Xen;

/// <summary>The shared page of tpmif version 2, with the further pages that a frontend may offer.</summary>
/// <remarks><code>
///  0        4        5           6     7                 8                   8 + 4n
///  | length | state  | locality  | pad | nr_extra_pages  | n * grant reference | message …    numbers in the machine's order
/// </code>
/// The prose of Xen's header puts the message at 16 + 4n; every implementation puts it here. What is read is the other domain's: each field is read
/// once, and judged as it was read.
/// </remarks>
internal sealed class TpmifPage(ISharedPage page, Func<uint, ISharedPage> map) : IDisposable
{
    private const int LengthAt = 0;
    private const int StateAt = 4;
    private const int LocalityAt = 5;
    private const int ExtraPagesAt = 7;
    private const int HeaderSize = 8;

    /// <summary>What the first page carries when no more are offered.</summary>
    public const int Capacity = ISharedPage.Size - HeaderSize;

    private readonly Dictionary<uint, ISharedPage> _extra = [];

    public TpmifState State
    {
        get => (TpmifState)page.ReadByte(StateAt);
        set => page.WriteByte(StateAt, (byte)value);
    }

    public byte Locality
    {
        get => page.ReadByte(LocalityAt);
        set => page.WriteByte(LocalityAt, value);
    }

    /// <summary>Copies the message out.</summary>
    /// <param name="buffer">Takes it; <see cref="TpmMessage.MaxLength"/> bytes.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="fault">For people.</param>
    /// <returns>False for a length that no message has, or more than the pages carry.</returns>
    /// <exception cref="XenException">A further page cannot be mapped.</exception>
    public bool TryRead(Span<byte> buffer, out int length, [NotNullWhen(false)] out string? fault)
    {
        length = 0;
        uint claimed = page.ReadUInt32(LengthAt);
        int extra = page.ReadByte(ExtraPagesAt);
        int start = HeaderSize + (sizeof(uint) * extra);
        fault = claimed is < TpmMessage.HeaderLength or > TpmMessage.MaxLength
            ? $"a message of {claimed} bytes is no TPM command"
            : claimed > (ISharedPage.Size - start) + (extra * ISharedPage.Size) ? $"a message of {claimed} bytes does not fit its pages" : null;
        if (fault is not null) return false;
        length = (int)claimed;
        int here = Math.Min(length, ISharedPage.Size - start);
        page.CopyTo(start, buffer[..here]);
        for (int i = 0, done = here; done < length; i++)
        {
            int part = Math.Min(length - done, ISharedPage.Size);
            Extra(i).CopyTo(0, buffer.Slice(done, part));
            done += part;
        }

        return true;
    }

    /// <summary>Puts a message there; the state says when it counts.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ReadOnlySpan<byte> message)
    {
        int extra = page.ReadByte(ExtraPagesAt);
        int start = HeaderSize + (sizeof(uint) * extra);
        if (message.Length > (ISharedPage.Size - start) + (extra * ISharedPage.Size)) return false;
        int here = Math.Min(message.Length, ISharedPage.Size - start);
        page.CopyFrom(start, message[..here]);
        for (int i = 0, done = here; done < message.Length; i++)
        {
            int part = Math.Min(message.Length - done, ISharedPage.Size);
            Extra(i).CopyFrom(0, message.Slice(done, part));
            done += part;
        }

        page.WriteUInt32(LengthAt, (uint)message.Length);
        return true;
    }

    public void Dispose()
    {
        foreach (ISharedPage extra in _extra.Values) extra.Dispose();
        _extra.Clear();
        page.Dispose();
    }

    // A frontend that names another page each time gets no more of our mappings than one message needs.
    private ISharedPage Extra(int index)
    {
        uint reference = page.ReadUInt32(HeaderSize + (sizeof(uint) * index));
        if (_extra.TryGetValue(reference, out ISharedPage? mapped)) return mapped;
        if (_extra.Count > 1)
        {
            foreach (ISharedPage old in _extra.Values) old.Dispose();
            _extra.Clear();
        }

        return _extra[reference] = map(reference);
    }
}
