using System.Globalization;

namespace Vtpm.Xen.Tests;

/// <summary>
/// Xen in memory: xenstore with watches and transactions, grants, event channels. What a domain may do wrong with them can be done wrong here too.
/// </summary>
internal sealed class XenModel
{
    public object Gate { get; } = new();

    public SortedDictionary<string, string> Nodes { get; } = new(StringComparer.Ordinal);

    public Dictionary<(uint Domain, uint Reference), ModelPage> Grants { get; } = [];

    public Dictionary<(uint Domain, uint Port), ModelPort> Ports { get; } = [];

    /// <summary>What dom0 is told of a domain; of others nothing.</summary>
    public Dictionary<uint, DomainInfo> Domains { get; } = [];

    /// <summary>Domains' XSM labels; empty when XSM is off.</summary>
    public Dictionary<uint, string> Labels { get; } = [];

    public List<ModelHost> Hosts { get; } = [];

    public uint LastReference { get; set; } = 100;

    public uint LastPort { get; set; }

    public ModelHost Domain(uint domain)
    {
        var host = new ModelHost(this, domain);
        lock (Gate) Hosts.Add(host);
        return host;
    }

    /// <summary>What libxl writes for <c>vtpm=["backend=…,uuid=…"]</c>.</summary>
    public void Announce(uint backend, uint frontend, uint device, Guid uuid)
    {
        string front = Text($"/local/domain/{frontend}/device/vtpm/{device}");
        string back = Text($"/local/domain/{backend}/backend/vtpm/{frontend}/{device}");
        Write($"{front}/backend", back);
        Write($"{front}/backend-id", Text($"{backend}"));
        Write($"{front}/handle", Text($"{device}"));
        Write($"{front}/state", "1");
        Write($"{back}/frontend", front);
        Write($"{back}/frontend-id", Text($"{frontend}"));
        Write($"{back}/online", "1");
        Write($"{back}/handle", Text($"{device}"));
        Write($"{back}/uuid", uuid.ToString());
        Write($"{back}/state", "1");
    }

    /// <summary>A guest with a device of dom0's, whose frontend has done nothing yet.</summary>
    public RawFrontend Guest(uint domain, Guid uuid)
    {
        Announce(backend: 0, frontend: domain, device: 0, uuid);
        return new RawFrontend(this, domain);
    }

    public string? Read(string path)
    {
        lock (Gate) return Nodes.GetValueOrDefault(path);
    }

    public void Write(string path, string value)
    {
        lock (Gate)
        {
            Nodes[path] = value;
            Fire(path);
        }
    }

    public void Remove(string path)
    {
        lock (Gate)
        {
            string[] gone = [.. Nodes.Keys.Where(node => node == path || node.StartsWith(path + "/", StringComparison.Ordinal))];
            foreach (string node in gone) Nodes.Remove(node);
            if (gone.Length > 0) Fire(path);
        }
    }

    public void Fire(string path)
    {
        foreach (ModelHost host in Hosts)
        {
            host.Changed(path);
            host.Wake();
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

internal sealed class ModelPort
{
    public (uint Domain, uint Port)? Peer { get; set; }

    public required ModelHost Owner { get; init; }

    public required uint MayBind { get; init; }
}

/// <summary>A page, its bytes open to tests.</summary>
internal sealed class ModelPage : IGrantedPage
{
    public byte[] Bytes { get; } = new byte[ISharedPage.Size];

    public uint Reference { get; init; }

    /// <summary>The domain that it is granted to.</summary>
    public uint MayMap { get; init; }

    public int Mappings { get; set; }

    /// <summary>Runs whenever the backend has read something: a frontend that changes the page under it.</summary>
    public Action? Touched { get; set; }

    public byte ReadByte(int offset) => Touch(Bytes[offset]);

    public uint ReadUInt32(int offset) => Touch(BitConverter.ToUInt32(Bytes, offset));

    public void WriteByte(int offset, byte value) => Bytes[offset] = value;

    public void WriteUInt32(int offset, uint value) => BitConverter.TryWriteBytes(Bytes.AsSpan(offset), value);

    public void CopyTo(int offset, Span<byte> destination)
    {
        Bytes.AsSpan(offset, destination.Length).CopyTo(destination);
        Touched?.Invoke();
    }

    public void CopyFrom(int offset, ReadOnlySpan<byte> source) => source.CopyTo(Bytes.AsSpan(offset));

    public void Dispose()
    {
        // The grant stays as long as its domain.
    }

    private T Touch<T>(T value)
    {
        Touched?.Invoke();
        return value;
    }
}
