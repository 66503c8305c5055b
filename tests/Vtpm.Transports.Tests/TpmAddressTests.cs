using System.Net;
using Xunit;

namespace Vtpm.Transports.Tests;

public class TpmAddressTests
{
    [Theory]
    [InlineData("unix:/run/vtpm.sock", TpmAddressKind.Unix, "/run/vtpm.sock", 0)]
    [InlineData("unix:relative:with:colons", TpmAddressKind.Unix, "relative:with:colons", 0)]
    [InlineData("tcp:127.0.0.1:2321", TpmAddressKind.Tcp, "127.0.0.1", 2321)]
    [InlineData("tcp:tpm-server.example.org:0", TpmAddressKind.Tcp, "tpm-server.example.org", 0)]
    [InlineData("tcp:[::1]:65535", TpmAddressKind.Tcp, "::1", 65535)]
    [InlineData("tcp:[fe80::1%2]:1", TpmAddressKind.Tcp, "fe80::1%2", 1)]
    [InlineData("/dev/tpm0", TpmAddressKind.Device, "/dev/tpm0", 0)]
    [InlineData("dev:./tpm", TpmAddressKind.Device, "./tpm", 0)]
    [InlineData("fd:3", TpmAddressKind.Inherited, "", 3)]
    public void Parse_ValidAddress_RoundTrips(string text, TpmAddressKind kind, string name, int port)
    {
        var address = TpmAddress.Parse(text);

        Assert.Equal((kind, name, port), (address.Kind, address.Name, address.Port));
        Assert.Equal(text, address.ToString());
        Assert.Equal(address, TpmAddress.Parse(address.ToString()));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("localhost:2321", "not a TPM address")]
    [InlineData("UNIX:/x", "not a TPM address")]
    [InlineData("unix:", "lacks the path")]
    [InlineData("unix:/a\0b", "zero byte")]
    [InlineData("dev:", "lacks the path")]
    [InlineData("fd:", "not an inherited descriptor")]
    [InlineData("fd:2", "not an inherited descriptor")]
    [InlineData("fd:-3", "not an inherited descriptor")]
    [InlineData("fd:0x3", "not an inherited descriptor")]
    [InlineData("tcp:", "lacks the port")]
    [InlineData("tcp:host", "lacks the port")]
    [InlineData("tcp:[::1]", "lacks the port")]
    [InlineData("tcp::2321", "lacks the host")]
    [InlineData("tcp:host:", "not a port")]
    [InlineData("tcp:host:65536", "not a port")]
    [InlineData("tcp:host:-1", "not a port")]
    [InlineData("tcp:host:+1", "not a port")]
    [InlineData("tcp:host: 1", "not a port")]
    [InlineData("tcp:::1:2321", "brackets")]
    [InlineData("tcp:[::1:2321", "brackets")]
    [InlineData("tcp:[host]:2321", "not an IPv6 address")]
    [InlineData("tcp:[]:2321", "not an IPv6 address")]
    [InlineData("tcp:a host:2321", "not a host")]
    public void Parse_InvalidAddress_SaysWhatIsWrong(string text, string error) =>
        Assert.Contains(error, Assert.Throws<FormatException>(() => TpmAddress.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Unix_PathOf107Bytes_IsTheLongest()
    {
        string path = "/" + new string('x', 106);

        Assert.Equal(path, TpmAddress.Unix(path).Name);
        Assert.Contains("107 bytes", Assert.Throws<FormatException>(() => TpmAddress.Unix(path + "x")).Message, StringComparison.Ordinal);
        // Two bytes in UTF-8.
        Assert.Throws<FormatException>(() => TpmAddress.Unix(path[..^1] + "ä"));
    }

    [Fact]
    public void Equality_DevicePathInBothForms_IsTheSame() => Assert.Equal(TpmAddress.Parse("/dev/tpm0"), TpmAddress.Parse("dev:/dev/tpm0"));

    [Fact]
    public void Tcp_EndPoint_IsBracketedWhenIPv6() =>
        Assert.Equal("tcp:[::1]:80", TpmAddress.Tcp(new IPEndPoint(IPAddress.IPv6Loopback, 80)).ToString());
}
