using Vtpm.Client.Tests.Support;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests.Tpm2;

/// <summary>Commands of TPM 2.0 byte for byte, and what is made of answers.</summary>
public sealed class Tpm2RequestTests
{
    private const string Done = "80010000000a00000000";

    [Fact]
    public void Commands_AreTheSpecifications()
    {
        Assert.Equal("80010000000c000001440000", Sent(Done, tpm => tpm.Startup()));
        Assert.Equal("80010000000b0000014300", Sent(Done, tpm => tpm.SelfTest()));
        Assert.Equal("80010000000e0000016580000003", Sent(Done, tpm => tpm.FlushContext(0x80000003)));
        Assert.Equal("80010000000c0000017b0003", Sent("80010000000f000000000003010203", tpm => Assert.Equal([1, 2, 3], tpm.GetRandom(3))));
        Assert.Equal(
            "8001000000160000017a000000060000010500000001",
            Sent("80010000001b000000000100000006000000010000010549424d00", tpm => Assert.Equal(0x49424D00u, tpm.GetProperty(TpmPt.Manufacturer))));
        Assert.Equal(
            "8001000000140000017e00000001000b03010000",
            Sent("80010000002e00000000" + "00000007" + "00000001000b03010000" + "00000001" + "0020" + new string('a', 64), tpm =>
                Assert.Equal(Enumerable.Repeat((byte)0xAA, 32), Assert.Single(tpm.PcrRead(TpmAlgId.Sha256, 1)))));
    }

    [Fact]
    public void StartAuthSession_WithoutSalt_HasANonceOfItsHash()
    {
        string sent = Sent("80010000003000000000" + "02000000" + "0020" + new string('1', 64), tpm =>
        {
            using Tpm2Session session = tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, saltKey: null);
            Assert.Equal(0x02000000u, session.Handle);
        });
        Assert.StartsWith("80010000003f00000176" + "40000007" + "40000007" + "0020", sent, StringComparison.Ordinal);
        Assert.EndsWith("0000" + "00" + "000600800043" + "000b", sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("80010000000a00000922")]
    [InlineData("80010000000a0000090a")]
    public void BusyTpm_IsAskedAgainUntilPatienceEnds(string answer)
    {
        int asked = 0;
        using var patient = new Tpm2Client(new ScriptedConnection(_ => Convert.FromHexString(++asked < 3 ? answer : Done)));
        patient.SelfTest();
        Assert.Equal(3, asked);
        using var impatient = new Tpm2Client(new ScriptedConnection(_ => Convert.FromHexString(answer))) { Patience = TimeSpan.Zero };
        Assert.True(Assert.Throws<Tpm2CommandException>(impatient.SelfTest).IsBusy);
    }

    [Theory]
    [InlineData("")]
    [InlineData("8001")]
    [InlineData("80010000000a000000")]
    [InlineData("80010000000b00000000")]      // a size that is not its length
    [InlineData("80010000000b0000000000")]    // a byte too many
    [InlineData("80020000000a00000000")]      // with sessions
    [InlineData("00c40000000a00000000")]      // of TPM 1.2
    [InlineData("80010000000b0000010100")]    // an error with parameters
    [InlineData("12340000000a00000101")]
    public void Answer_ThatIsNone_IsAProtocolError(string answer)
    {
        using var tpm = new Tpm2Client(new ScriptedConnection(_ => Convert.FromHexString(answer)));
        Assert.Throws<Tpm2ProtocolException>(tpm.SelfTest);
    }

    private static string Sent(string answer, Action<Tpm2Client> command)
    {
        var sent = new List<byte[]>();
        using var tpm = new Tpm2Client(new ScriptedConnection(request =>
        {
            sent.Add(request);
            byte[] response = Convert.FromHexString(sent.Count == 1 ? answer : Done);
            response[5] = (byte)response.Length;
            return response;
        }));
        command(tpm);
        return Convert.ToHexStringLower(sent[0]);
    }
}
