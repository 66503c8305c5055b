using System.Net.Sockets;
using System.Text;
using Vtpm.Storage;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>The control socket, by its bytes; and the link's messages.</summary>
public sealed class ControlTests : IDisposable
{
    private readonly Backend _backend = new();
    private readonly ControlSocket _control;

    public ControlTests() => _control = new ControlSocket(_backend.Service, Path);

    private string Path => System.IO.Path.Combine(_backend.Records, "control.sock");

    public void Dispose()
    {
        _control.Dispose();
        _backend.Dispose();
    }

    [Fact]
    public void Status_TellsOfEachGuest()
    {
        _backend.Running(5);
        _backend.Running(6, Backend.Other, hasRun: true);

        string[] lines = Ask("status\n").Split('\n');

        Assert.Equal(["ok", ""], lines[2..]);
        GuestStatus[] guests = [.. lines[..2].Select(line => StatusLine.Parse(line)!)];
        Assert.Equal(_backend.Service.Guests, guests);
        Assert.Equal([BootOrigin.Whole, BootOrigin.Attached], guests.Select(guest => guest.Boot));
    }

    [Fact]
    public void Measure_LeavesWhatIsToBeExtended()
    {
        string digest = new('1', 40);
        Assert.Equal("ok\n", Ask($"measure {Backend.Uuid} 4:{digest}\n"));
        Assert.True(_backend.HasLogged("1 measurements are left"));
        RawFrontend guest = _backend.Running(5);
        Assert.NotEqual(new string('0', 40), _backend.Pcr(guest));
    }

    [Theory]
    [InlineData("")]
    [InlineData("status now")]
    [InlineData("measure")]
    [InlineData("measure x 4:1111111111111111111111111111111111111111")]
    [InlineData("measure 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10 17:1111111111111111111111111111111111111111")]
    [InlineData("measure 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10 4:11")]
    public void AnythingElse_IsAnError(string request) => Assert.StartsWith("error ", Ask(request + "\n"), StringComparison.Ordinal);

    [Fact]
    public void RequestWithoutEnd_IsDropped() => Assert.Equal("", Ask(new string('x', 5000)));

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void Socket_IsItsOwnersAlone() => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));

    [Fact]
    public void Message_OfALink_ComesBackAsItWas()
    {
        byte[] message = new byte[VtpmLinkMessage.BufferSize];
        byte[] command = RawFrontend.Command(length: 30);
        int length = VtpmLinkMessage.WriteRequest(message, isOurs: false, 7, "5/0", "system_u:system_r:domU_t", command);
        Assert.True(VtpmLinkMessage.TryReadRequest(message.AsSpan(0, length), out VtpmLinkRequest request));
        Assert.Equal((false, 7, "5/0", "system_u:system_r:domU_t"), (request.IsOurs, request.Locality, request.Client, request.Label));
        Assert.Equal(command, message[request.Start..length]);
        for (int cut = 0; cut < length; cut++) Assert.False(VtpmLinkMessage.TryReadRequest(message.AsSpan(0, cut), out _));
    }

    [Fact]
    public void Label_ThatIsTooLong_IsNobodysLabel()
    {
        byte[] message = new byte[VtpmLinkMessage.BufferSize];
        int length = VtpmLinkMessage.WriteRequest(message, isOurs: true, 0, "", new string('x', 2000), RawFrontend.Command());
        Assert.True(VtpmLinkMessage.TryReadRequest(message.AsSpan(0, length), out VtpmLinkRequest request));
        Assert.Equal("(too long)", request.Label);
    }

    private string Ask(string request)
    {
        var asked = Task.Run(() =>
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(Path));
            socket.Send(Encoding.UTF8.GetBytes(request));
            var answer = new StringBuilder();
            byte[] buffer = new byte[4096];
            try
            {
                for (int read; (read = socket.Receive(buffer)) > 0;) answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
            catch (SocketException)
            {
                // Closed with something unread.
            }

            return answer.ToString();
        });
        _backend.Until(() => asked.IsCompleted);
        return asked.Result;
    }
}
