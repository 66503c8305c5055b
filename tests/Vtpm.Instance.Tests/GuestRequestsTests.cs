using System.Buffers.Binary;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Instance.Tests;

/// <summary>The order in which a guest's request is looked at: locality, what is for the manager, what this vTPM has. The manager's side is scripted.</summary>
public sealed class GuestRequestsTests : IDisposable
{
    private const string PcrRead = "0000000e" + "00000015" + "00000007";
    private const string Startup = "0000000c" + "00000099" + "0001";
    private const string GroupList = "0000000a" + "02000101";

    private readonly string _folder = Directory.CreateTempSubdirectory("vtpm-test").FullName;
    private readonly ScriptedManager _manager = new();
    private readonly List<string> _log = [];
    private readonly VirtualTpm _vtpm;
    private readonly byte[] _response = new byte[TpmMessage.MaxLength];

    public GuestRequestsTests()
    {
        var options = new VtpmOptions(Path.Combine(_folder, "image"), ManufacturePolicy.WhenBlank, WithEndorsementKey: false);
        _vtpm = VirtualTpm.Start(options, VtpmArguments.Parse([]), _manager.Link, new SeededRandom(), new FixedRsa(), _log.Add);
        _manager.Requests.Clear();
    }

    public void Dispose()
    {
        _vtpm.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Locality_NoPolicy_EveryLocalityOfXenIsTaken()
    {
        for (int locality = 0; locality < 256; locality++) Assert.Equal("00c4 Success", Execute("00c1" + PcrRead, locality: locality));
    }

    [Theory]
    [InlineData("locality=guest=0", "0")]
    [InlineData("locality=guest=0,3,8,255", "0 3 8 255")]
    [InlineData("locality=*est=7", "7")]
    [InlineData("locality=*=12", "12")]
    [InlineData("locality=other=1", "")]
    [InlineData("locality=gues=1", "")]
    [InlineData("locality=*gues=1", "")]
    public void Locality_Policy_TakesThoseItNamesAndNoOthers(string argument, string allowed)
    {
        IEnumerable<int> taken = Enumerable.Range(0, 256).Where(locality =>
        {
            string answer = Execute("00c1" + PcrRead, locality: locality, arguments: argument);
            Assert.True(answer is "00c4 Success" or "00c4 Fail", answer);
            return answer == "00c4 Success";
        });
        Assert.Equal(allowed, string.Join(' ', taken));
    }

    /// <summary>The original answers errors to authorized commands with the tag of a request.</summary>
    [Theory]
    [InlineData("00c1")]
    [InlineData("00c2")]
    [InlineData("00c3")]
    [InlineData("01c1")]
    [InlineData("01c2")]
    [InlineData("ffff")]
    public void Locality_Refused_IsTheFirstThingAndHasTheTagOfAnError(string tag)
    {
        Assert.Equal("00c4 Fail", Execute(tag + PcrRead, arguments: "locality=guest=1"));
        Assert.Empty(_manager.Requests);
    }

    [Fact]
    public void Tag01C1_IsACommandForTheHardwareTpm()
    {
        Assert.Equal("00c4 Success", Execute("01c1" + PcrRead, locality: 200));
        Assert.Equal([.. Enumerable.Repeat((byte)7, 20)], _response[10..30]);
        Assert.Equal("00c1" + PcrRead, Convert.ToHexStringLower(_manager.Requests[^1]));
    }

    /// <summary>The ordinals by which a vTPM keeps its key are none of the hardware's.</summary>
    [Theory]
    [InlineData(VtpmManagerOrdinal.SaveHashKey)]
    [InlineData(VtpmManagerOrdinal.LoadHashKey)]
    [InlineData(VtpmManagerOrdinal.GetQuote)]
    public void Tag01C1_OrdinalOfTheManager_ReachesItAsATpmCommandOnly(VtpmManagerOrdinal ordinal)
    {
        Execute("01c1" + "0000000a" + ((uint)ordinal).ToString("x8", null));
        Assert.Equal(TpmTag.RquCommand, TpmMessage.ReadTag(_manager.Requests[^1]));
    }

    [Fact]
    public void Tag01C2_IsForTheManagerAsItIs()
    {
        Assert.Equal("01c4 Success", Execute("01c2" + GroupList));
        Assert.Equal([0, 0, 0, 1], _response[10..14]);
        Assert.Equal("01c2" + GroupList, Convert.ToHexStringLower(_manager.Requests[^1]));
    }

    [Fact]
    public void Tag01C2_ManagerRefuses_ItsAnswerIsTheGuests()
    {
        _manager.Refusal = TpmResult.AuthFail;
        Assert.Equal("01c4 AuthFail", Execute("01c2" + GroupList));
    }

    /// <summary>A management command may be one that must not happen twice; LOADHASHKEY may, and tells a dead link from a live one.</summary>
    [Fact]
    public void Tag01C2_ManagerWasRestarted_IsSentOnceOverANewLinkThatIsOpenedFirst()
    {
        _manager.LosesAnswersTo = TpmTag.RquCommand;
        Assert.Equal("00c4 IOError", Execute("01c1" + PcrRead));
        _manager.LosesAnswersTo = null;
        int connections = _manager.Connections;
        _manager.Requests.Clear();
        Assert.Equal("01c4 Success", Execute("01c2" + GroupList));
        Assert.Equal(connections + 1, _manager.Connections);
        Assert.Equal(["01c1" + "0000000a" + "00000002", "01c2" + GroupList], _manager.Requests.Select(Convert.ToHexStringLower));
    }

    [Theory]
    [InlineData(TpmTag.VtpmReq2, "01c2" + GroupList)]
    [InlineData(TpmTag.RquCommand, "01c1" + PcrRead)]
    public void PassThrough_AnswerIsLost_IOErrorAndTheRequestIsNotSentAgain(TpmTag tag, string request)
    {
        _manager.LosesAnswersTo = tag;
        Assert.Equal("00c4 IOError", Execute(request));
        Assert.Single(_manager.Requests, sent => TpmMessage.ReadTag(sent) == tag);
    }

    [Theory]
    [InlineData("01c2" + GroupList)]
    [InlineData("01c1" + PcrRead)]
    public void PassThrough_NobodyIsThere_RetryWithTheTagOfAnError(string request)
    {
        _manager.IsDown = true;
        Assert.Equal("00c4 Retry", Execute(request));
        _manager.IsDown = false;
        Assert.EndsWith("Success", Execute(request), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("01c2" + "0000000b" + "02000101")]
    [InlineData("01c1" + "00000000" + "00000015")]
    public void PassThrough_SizeIsWrong_BadParamSizeAndNobodyIsAsked(string request)
    {
        Assert.Equal("00c4 BadParamSize", Execute(request));
        Assert.Empty(_manager.Requests);
    }

    [Theory]
    [InlineData("00c1" + PcrRead, "00c4 Success")]
    [InlineData("00c1" + Startup, "00c4 InvalidPostInit")]
    [InlineData("00c1" + "0000000a" + "20000016", "00c4 BadTag")]
    [InlineData("00c2" + "0000000a" + "20000016", "00c4 NoSrk")]
    [InlineData("00c1" + "0000000a" + "00000052", "00c4 BadOrdinal")]
    [InlineData("01c3" + PcrRead, "00c4 BadTag")]
    [InlineData("01c4" + PcrRead, "00c4 BadTag")]
    [InlineData("00c0" + PcrRead, "00c4 BadTag")]
    public void OtherTags_AreForTheVtpm(string request, string answer)
    {
        Assert.Equal(answer, Execute(request));
        Assert.Empty(_manager.Requests);
    }

    /// <summary>The vendor's area lets locality 8 of the original overwrite the TPM's state. Here there is no such door at any locality.</summary>
    [Fact]
    public void SetCapability_VendorsArea_IsBadParameterAtEveryLocality()
    {
        for (int locality = 0; locality < 256; locality++)
            Assert.Equal("00c4 BadParameter", Execute("00c1" + "0000001a" + "0000003f" + "00000007" + "00000004" + "00000001" + "00000000", locality: locality));
    }

    [Fact]
    public void ParentTpm_Quote_IsGetQuoteOfAVtpmThatTheManagerKnows()
    {
        var parent = new ParentTpm(_manager.Link, _log.Add);
        TpmResult result = parent.Quote(TpmDigest.AllOnes, TpmPcrSelection.Of(0, 9), VtpmQuoteFlags.GroupInfo, out VtpmGetQuoteResponse quote);
        Assert.Equal(TpmResult.Success, result);
        Assert.Equal(TestParent.Blob, WireFormat.ToBytes(quote));
        string expected = "01c1" + "00000027" + "00000004" + new string('f', 40) + "0003" + "010200" + "00000004";
        Assert.Equal(["01c1" + "0000000a" + "00000002", expected], _manager.Requests.Select(Convert.ToHexStringLower));
    }

    [Fact]
    public void ParentTpm_ManagerRefuses_ItsResult()
    {
        _manager.Refusal = TpmResult.Fail;
        Assert.Equal(TpmResult.Fail, new ParentTpm(_manager.Link, _log.Add).Quote(default, TpmPcrSelection.Of(0), VtpmQuoteFlags.None, out _));
        Assert.Contains(_log, line => line.Contains("no quote", StringComparison.Ordinal));
    }

    [Fact]
    public void ParentTpm_NobodyIsThere_Retry()
    {
        _manager.IsDown = true;
        Assert.Equal(TpmResult.Retry, new ParentTpm(_manager.Link, _log.Add).Quote(default, TpmPcrSelection.Of(0), VtpmQuoteFlags.None, out _));
    }

    [Fact]
    public void ParentTpm_SelectionThatFitsNoRequest_InvalidPcrInfo()
    {
        var selection = new TpmPcrSelection { PcrSelect = new byte[ushort.MaxValue] };
        Assert.Equal(TpmResult.InvalidPcrInfo, new ParentTpm(_manager.Link, _log.Add).Quote(default, selection, VtpmQuoteFlags.None, out _));
        Assert.Empty(_manager.Requests);
    }

    /// <summary>The tag and the result of the answer.</summary>
    private string Execute(string request, int locality = 0, params string[] arguments)
    {
        var requests = new GuestRequests(_vtpm, VtpmArguments.Parse(arguments), _log.Add);
        int length = requests.Execute("the guest", "guest", locality, Convert.FromHexString(request), _response);
        Assert.Equal(length, BinaryPrimitives.ReadInt32BigEndian(_response.AsSpan(2)));
        return $"{(int)TpmMessage.ReadTag(_response):x4} {TpmMessage.ReadResult(_response)}";
    }
}
