using System.Net.Sockets;
using System.Text;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Boot.Tests;

public sealed class BackendControlTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");
    private static readonly BootMeasurement[] List = [new(4, default), new(5, TpmDigest.AllOnes)];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vtpm-boot-");

    private string Path => System.IO.Path.Combine(_folder.FullName, "s");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Leave_SendsOneLine_AndTakesOk()
    {
        Task<string> asked = Serve("ok\n");
        BackendControl.Leave(Path, Uuid, List);
        Assert.Equal($"measure {Uuid} 4:{new string('0', 40)},5:{new string('f', 40)}\n", await asked);
    }

    [Theory]
    [InlineData("error no vTPM of that uuid is known\n", "no vTPM of that uuid is known")]
    [InlineData("what?\n", "what?")]
    [InlineData("", "does not answer in a line")]
    public async Task Leave_ThatIsNotTaken_Fails(string answer, string says)
    {
        Task<string> asked = Serve(answer);
        Assert.Contains(says, Assert.Throws<BootException>(() => BackendControl.Leave(Path, Uuid, List)).Message, StringComparison.Ordinal);
        await asked;
    }

    [Fact]
    public void Leave_WithoutAService_SaysWhatIsMissing() =>
        Assert.Contains("vtpm tpmback", Assert.Throws<BootException>(() => BackendControl.Leave(Path, Uuid, List)).Message, StringComparison.Ordinal);

    private Task<string> Serve(string answer)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path));
        listener.Listen();
        return Task.Run(() =>
        {
            using (listener)
            using (Socket client = listener.Accept())
            {
                byte[] asked = new byte[4096];
                int length = client.Receive(asked);
                client.Send(Encoding.UTF8.GetBytes(answer));
                return Encoding.UTF8.GetString(asked, 0, length);
            }
        });
    }
}
