using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Vtpm.Transports;

/// <summary>The ways of reaching a TPM.</summary>
public enum TpmAddressKind
{
    Unix,
    Tcp,
    Device,

    /// <summary>An open descriptor, from whoever has started this process.</summary>
    Inherited,

    /// <summary>Known to a program and not to the parser: in memory, a Xen device.</summary>
    Named,
}

/// <summary>
/// Where a TPM is: <c>unix:PATH</c>, <c>tcp:HOST:PORT</c>, <c>dev:PATH</c>, or the absolute path of a character device; between a program and those that
/// it starts, <c>fd:NUMBER</c>.
/// </summary>
public sealed record TpmAddress
{
    /// <summary>sun_path has 108 bytes, the last of them zero.</summary>
    private const int LongestUnixPath = 107;

    private const int StandardError = 2;

    private const string Forms = "write unix:PATH, tcp:HOST:PORT, dev:PATH or the path of a device such as /dev/tpm0";

    private const string XenText = "xen:";

    private readonly string _text;

    private TpmAddress(TpmAddressKind kind, string name, int port, string text)
    {
        Kind = kind;
        Name = name;
        Port = port;
        _text = text;
    }

    /// <summary><c>xen:</c>, the vTPM devices that Xen's toolstack gives this domain: known to the part of a program that knows Xen.</summary>
    public static TpmAddress Xen { get; } = Named("xen", "");

    public TpmAddressKind Kind { get; }

    /// <summary>The path of a Unix socket or device; the host of TCP, without brackets.</summary>
    public string Name { get; }

    /// <summary>The TCP port; 0 asks a listener for a free one. The number of an inherited descriptor.</summary>
    public int Port { get; }

    /// <exception cref="FormatException">Not an address; the message says what is wrong and what to write.</exception>
    public static TpmAddress Parse(string text)
    {
        if (string.IsNullOrEmpty(text)) throw new FormatException($"an empty TPM address: {Forms}");
        if (text.Contains('\0', StringComparison.Ordinal)) throw new FormatException($"a TPM address cannot hold a zero byte: {Forms}");
        if (text[0] == '/') return Device(text);
        if (text == XenText) return Xen;
        if (text.StartsWith("unix:", StringComparison.Ordinal)) return ParseUnix(text);
        if (text.StartsWith("tcp:", StringComparison.Ordinal)) return ParseTcp(text);
        if (text.StartsWith("dev:", StringComparison.Ordinal)) return ParseDevice(text);
        if (text.StartsWith("fd:", StringComparison.Ordinal)) return ParseInherited(text);
        throw new FormatException($"'{text}' is not a TPM address: {Forms}");
    }

    /// <exception cref="FormatException">The path does not fit into a socket address.</exception>
    public static TpmAddress Unix(string path) => Parse("unix:" + path);

    public static TpmAddress Tcp(IPEndPoint endPoint) => Tcp(endPoint.Address.ToString(), endPoint.Port);

    /// <summary>What a process was started with as this descriptor.</summary>
    public static TpmAddress Inherited(int descriptor) =>
        new(TpmAddressKind.Inherited, "", descriptor, string.Create(CultureInfo.InvariantCulture, $"fd:{descriptor}"));

    /// <summary>An address outside the parser's forms, for logs: <c>memory:NAME</c>, <c>xen:…</c>.</summary>
    public static TpmAddress Named(string scheme, string name) => new(TpmAddressKind.Named, name, 0, $"{scheme}:{name}");

    /// <summary>The form <see cref="Parse"/> reads; an absolute device path keeps its short form.</summary>
    public override string ToString() => _text;

    private static TpmAddress Device(string path) => new(TpmAddressKind.Device, path, 0, path[0] == '/' ? path : "dev:" + path);

    private static TpmAddress Tcp(string host, int port)
    {
        string bracketed = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
        return new TpmAddress(TpmAddressKind.Tcp, host, port, string.Create(CultureInfo.InvariantCulture, $"tcp:{bracketed}:{port}"));
    }

    private static TpmAddress ParseUnix(string text)
    {
        string path = text["unix:".Length..];
        if (path.Length == 0) throw new FormatException($"'{text}' lacks the path of the socket: write unix:PATH");
        int length = Encoding.UTF8.GetByteCount(path);
        return length <= LongestUnixPath
            ? new TpmAddress(TpmAddressKind.Unix, path, 0, text)
            : throw new FormatException($"'{text}': a Unix socket's path may have {LongestUnixPath} bytes and this has {length}; choose a shorter one");
    }

    private static TpmAddress ParseDevice(string text)
    {
        string path = text["dev:".Length..];
        return path.Length > 0 ? Device(path) : throw new FormatException($"'{text}' lacks the path of the device: write dev:PATH");
    }

    private static TpmAddress ParseInherited(string text) =>
        int.TryParse(text.AsSpan("fd:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > StandardError
            ? Inherited(number)
            : throw new FormatException($"'{text}' is not an inherited descriptor: write fd:NUMBER, 3 or more");

    private static TpmAddress ParseTcp(string text)
    {
        string rest = text["tcp:".Length..];
        int colon = rest.LastIndexOf(':');
        if (colon < 0 || rest.EndsWith(']')) throw new FormatException($"'{text}' lacks the port: write tcp:HOST:PORT");
        if (!ushort.TryParse(rest.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            throw new FormatException($"'{text}': '{rest[(colon + 1)..]}' is not a port; ports are numbers from 0 to 65535");
        return Tcp(ParseHost(text, rest[..colon]), port);
    }

    private static string ParseHost(string text, string host)
    {
        if (host.Length == 0) throw new FormatException($"'{text}' lacks the host: write tcp:HOST:PORT, for this machine alone tcp:127.0.0.1:PORT");
        if (host[0] == '[' && host[^1] == ']')
        {
            string inner = host[1..^1];
            return IPAddress.TryParse(inner, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6
                ? inner
                : throw new FormatException($"'{text}': '{inner}' is not an IPv6 address");
        }

        if (host.Contains(':', StringComparison.Ordinal))
            throw new FormatException($"'{text}': an IPv6 address stands in brackets, as in tcp:[::1]:2321");
        foreach (char c in host)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_')) throw new FormatException($"'{text}': '{host}' is not a host");
        }

        return host;
    }
}
