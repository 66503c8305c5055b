using System.Net.Sockets;
using Xunit;

namespace Vtpm.Transports.Tests;

public class DeviceConnectionTests
{
    [Fact]
    public void Transmit_Device_WritesTheRequestAndReadsTheResponse()
    {
        using var device = new PseudoDevice();
        using var connection = TpmConnection.Open(TpmAddress.Parse(device.Path));
        byte[] request = Messages.Request(60), response = Messages.EchoOf(Messages.Request(80));

        for (int i = 0; i < 3; i++)
        {
            byte[]? seen = null;
            var driver = device.Answer(response, bytes => seen = bytes);
            Assert.Equal(response, connection.Transmit(request));
            driver.Join();
            Assert.Equal(request, seen);
        }
    }

    [Theory]
    [InlineData("00C400")]
    [InlineData("00C40000000B00000000")]
    [InlineData("00C40000000A0000000000")]
    [InlineData("00C4FFFFFFFF00000000")]
    public void Transmit_MalformedResponse_ThrowsAndBreaksTheLink(string response)
    {
        using var device = new PseudoDevice();
        using var connection = TpmConnection.Open(TpmAddress.Parse(device.Path));
        var driver = device.Answer(Convert.FromHexString(response));

        Assert.Equal(TpmTransportFault.Malformed, Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10))).Fault);
        driver.Join();
        Assert.Equal(TpmTransportFault.Broken, Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10))).Fault);
    }

    [Fact]
    public void Transmit_ResponseLargerThanRoom_IsMalformed()
    {
        using var device = new PseudoDevice();
        using var connection = TpmConnection.Open(TpmAddress.Parse(device.Path));
        var driver = device.Answer(Messages.EchoOf(Messages.Request(30)));

        Assert.Equal(TpmTransportFault.Malformed, Assert.Throws<TpmTransportException>(() =>
            connection.Transmit(Messages.Request(10), new byte[29])).Fault);
        driver.Join();
    }

    [Fact]
    public void Transmit_DriverGone_Throws()
    {
        var device = new PseudoDevice();
        using var connection = TpmConnection.Open(TpmAddress.Parse(device.Path));
        device.Dispose();

        Assert.Equal(TpmTransportFault.Failed, Assert.Throws<TpmTransportException>(() => connection.Transmit(Messages.Request(10))).Fault);
    }

    [Theory]
    [InlineData("/dev/nonexistent-tpm", "no such device")]
    [InlineData("/nonexistent/tpm", "no such device")]
    [InlineData("/dev", "not a device")]
    public void Open_NoDevice_SaysSo(string path, string error)
    {
        var e = Assert.Throws<TpmTransportException>(() => TpmConnection.Open(TpmAddress.Parse(path)));

        Assert.Equal(TpmTransportFault.Unavailable, e.Fault);
        Assert.Contains(error, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_UnixSocketAsDevice_NamesTheRightForm()
    {
        var directory = Directory.CreateTempSubdirectory("vtpm");
        string path = Path.Combine(directory.FullName, "s");
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));

            Assert.Contains($"write unix:{path}", Assert.Throws<TpmTransportException>(() => TpmConnection.Open(TpmAddress.Parse(path))).Message,
                StringComparison.Ordinal);
        }

        directory.Delete(recursive: true);
    }
}
