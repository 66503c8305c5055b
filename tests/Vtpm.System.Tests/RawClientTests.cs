using System.Buffers.Binary;
using System.Globalization;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>
/// What a raw client of <c>--listen</c> may send: anything of a sane length has an answer of the specification's, and an insane length costs that
/// connection alone.
/// </summary>
public sealed class RawClientTests(RawClientTests.OneVtpm one) : IClassFixture<RawClientTests.OneVtpm>
{
    private const int Seed = 20120313;

    public enum Link
    {
        Unix,
        Tcp,
        Hardware,
    }

    [Theory]
    [InlineData(Link.Unix)]
    [InlineData(Link.Tcp)]
    [InlineData(Link.Hardware)]
    public void Request_OfEverySaneLength_IsAnswered(Link link)
    {
        using RawClient client = one.Connect(link);
        var random = new Random(Seed);
        for (int length = TpmMessage.HeaderLength; length <= TpmMessage.MaxLength; length += 1 + random.Next(3))
        {
            byte[] request = new byte[length];
            random.NextBytes(request);
            BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(2), length);
            AssertRefused(client.Exchange(request));
        }

        byte[] longest = RawClient.Request(TpmOrdinal.GetRandom, new byte[TpmMessage.MaxLength - TpmHeader.Size]);
        AssertRefused(client.Exchange(longest));
        one.AssertWell(link);
    }

    [Theory]
    [InlineData(Link.Unix)]
    [InlineData(Link.Tcp)]
    [InlineData(Link.Hardware)]
    public void Request_OfEveryOrdinalWithoutABody_IsAnswered(Link link)
    {
        using RawClient client = one.Connect(link);
        uint[] ordinals = [.. Enum.GetValues<TpmOrdinal>().Select(ordinal => (uint)ordinal), .. Enumerable.Range(0, 0x140).Select(i => (uint)i)];
        foreach (uint ordinal in ordinals)
        {
            foreach (TpmTag tag in (TpmTag[])[TpmTag.RquCommand, TpmTag.RquAuth1Command, TpmTag.RquAuth2Command])
            {
                byte[] response = client.Exchange(RawClient.Request((ushort)tag, ordinal));
                AssertSpecified(response);
                if (tag != TpmTag.RquCommand) AssertRefused(response);
            }
        }

        one.AssertWell(link);
    }

    [Theory]
    [InlineData(0x0000)]
    [InlineData(0x00C0)]
    [InlineData(0x00C4)]
    [InlineData(0x01C3)]
    [InlineData(0x8001)]
    [InlineData(0xFFFF)]
    public void Request_WithAnotherTag_IsABadTag(int tag)
    {
        using RawClient client = one.Connect(Link.Unix);
        byte[] response = client.Exchange(RawClient.Request((ushort)tag, (uint)TpmOrdinal.GetTicks));
        AssertRefused(response);
        Assert.Equal(TpmResult.BadTag, RawClient.ResultOf(response));
    }

    /// <summary>Xen's tags are the manager's: it refuses what a guest may not do, and passes a PCR of the hardware on. The stand-in has none above it.</summary>
    [Fact]
    public void Request_WithAManagersTag_IsAnsweredByTheManager()
    {
        using RawClient client = one.Connect(Link.Unix), hardware = one.Connect(Link.Hardware);
        byte[] refused = client.Exchange(RawClient.Request(0x01C1, (uint)TpmOrdinal.GetTicks));
        Assert.Equal(TpmResult.DisabledCmd, RawClient.ResultOf(refused));
        byte[] pcr = client.Exchange([0x01, 0xC1, 0, 0, 0, 14, 0, 0, 0, 0x15, 0, 0, 0, 10]);
        Assert.Equal((TpmResult.Success, 30), (RawClient.ResultOf(pcr), pcr.Length));
        Assert.Equal(TpmResult.BadTag, RawClient.ResultOf(hardware.Exchange(RawClient.Request(0x01C1, (uint)TpmOrdinal.GetTicks))));
        one.AssertWell(Link.Unix);
    }

    [Theory]
    [InlineData(Link.Unix)]
    [InlineData(Link.Tcp)]
    [InlineData(Link.Hardware)]
    public async Task Requests_InAFlood_AreAnsweredInTheirOrder(Link link)
    {
        const int count = 3000;
        using RawClient client = one.Connect(link);
        byte[] flood = [.. Enumerable.Range(0, count).SelectMany(i => RawClient.Request(TpmOrdinal.GetRandom, [0, 0, 0, (byte)(1 + i % 100)]))];
        Task sending = Task.Run(() => client.Send(flood), TestContext.Current.CancellationToken);
        for (int i = 0; i < count; i++) Assert.Equal(TpmHeader.Size + 4 + 1 + i % 100, client.Receive().Length);
        await sending;
        one.AssertWell(link);
    }

    [Theory]
    [InlineData(Link.Unix)]
    [InlineData(Link.Tcp)]
    [InlineData(Link.Hardware)]
    public void Requests_OfNoise_AreAnswered(Link link)
    {
        using RawClient client = one.Connect(link);
        var random = new Random(Seed + (int)link);
        TpmOrdinal[] ordinals = Enum.GetValues<TpmOrdinal>();
        for (int i = 0; i < 5000; i++)
        {
            byte[] parameters = new byte[random.Next(4) == 0 ? random.Next(TpmMessage.MaxLength - TpmHeader.Size) : random.Next(120)];
            random.NextBytes(parameters);
            // Small numbers in it reach further than noise does.
            for (int at = 0; at + 4 <= parameters.Length; at += 4)
            {
                if (random.Next(3) == 0) BinaryPrimitives.WriteInt32BigEndian(parameters.AsSpan(at), random.Next(1 << random.Next(1, 17)));
            }

            AssertSpecified(client.Exchange(RawClient.Request((ushort)(0xC1 + random.Next(3)), (uint)random.GetItems(ordinals, 1)[0], parameters)));
        }

        one.AssertWell(link);
    }

    public static MatrixTheoryData<Link, uint> InsaneLengths { get; } =
        new(Enum.GetValues<Link>(), [0, 1, 9, 4097, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]);

    [Theory]
    [MemberData(nameof(InsaneLengths))]
    public void Request_OfAnInsaneLength_EndsItsConnectionAlone(Link link, uint length)
    {
        using RawClient other = one.Connect(link), client = one.Connect(link);
        byte[] insane = RawClient.Request(TpmOrdinal.GetTicks);
        BinaryPrimitives.WriteUInt32BigEndian(insane.AsSpan(2), length);
        // What was sane before it is answered.
        client.Send([.. RawClient.Request(TpmOrdinal.GetTicks), .. insane]);
        Assert.Equal(TpmResult.Success, RawClient.ResultOf(client.Receive()));
        Assert.True(client.ReceivesEnd());
        Assert.Equal(TpmResult.Success, RawClient.ResultOf(other.Exchange(RawClient.Request(TpmOrdinal.GetTicks))));
        one.AssertWell(link);
    }

    [Theory]
    [InlineData(Link.Unix)]
    [InlineData(Link.Tcp)]
    public void Client_ThatStopsInTheMiddle_KeepsNobodyWaiting(Link link)
    {
        using RawClient other = one.Connect(link), client = one.Connect(link);
        byte[] request = RawClient.Request(TpmOrdinal.GetTicks);
        client.Send(request.AsSpan(0, 7));
        Assert.Equal(TpmResult.Success, RawClient.ResultOf(other.Exchange(request)));
        client.Send(request.AsSpan(7));
        Assert.Equal(TpmResult.Success, RawClient.ResultOf(client.Receive()));
        one.AssertWell(link);
    }

    /// <summary>An answer of the specification's: a response, whole, and with a code that has a name.</summary>
    private static void AssertSpecified(byte[] response)
    {
        TpmResult result = RawClient.ResultOf(response);
        Assert.True(Enum.IsDefined(result), $"0x{(uint)result:x} is no result of the specification's");
        if (result == TpmResult.Success) Assert.InRange(BinaryPrimitives.ReadUInt16BigEndian(response), (ushort)TpmTag.RspCommand, (ushort)TpmTag.RspAuth2Command);
        else AssertRefused(response);
    }

    private static void AssertRefused(byte[] response)
    {
        Assert.Equal(TpmHeader.Size, response.Length);
        Assert.Equal((ushort)TpmTag.RspCommand, BinaryPrimitives.ReadUInt16BigEndian(response));
        TpmResult result = RawClient.ResultOf(response);
        Assert.True(Enum.IsDefined(result), $"0x{(uint)result:x} is no result of the specification's");
        Assert.NotEqual(TpmResult.Success, result);
    }

    /// <summary>A chain whose vTPM listens on both kinds of sockets.</summary>
    public sealed class OneVtpm : IDisposable
    {
        private readonly Chain _chain;
        private readonly TpmAddress _tcp;

        public OneVtpm()
        {
            _chain = Chain.Started("--listen", "tcp:127.0.0.1:0");
            const string mark = "listening on tcp:127.0.0.1:";
            string line = _chain.Vtpm!.Log.Split('\n').First(line => line.Contains(mark, StringComparison.Ordinal));
            int port = int.Parse(line[(line.IndexOf(mark, StringComparison.Ordinal) + mark.Length)..], CultureInfo.InvariantCulture);
            _tcp = TpmAddress.Parse($"tcp:127.0.0.1:{port}");
        }

        internal RawClient Connect(Link link) => new(link switch { Link.Unix => _chain.VtpmAddress, Link.Tcp => _tcp, _ => _chain.HardwareAddress });

        /// <summary>Runs, has not fallen into failure mode, and has met no defect of its own.</summary>
        internal void AssertWell(Link link)
        {
            VtpmProcess process = link == Link.Hardware ? _chain.Hardware! : _chain.Vtpm!;
            using (RawClient client = Connect(link))
            {
                byte[] request = RawClient.Request(TpmOrdinal.GetCapability, [0, 0, 0, (byte)TpmCapability.VersionVal, 0, 0, 0, 0]);
                Assert.Equal(TpmResult.Success, RawClient.ResultOf(client.Exchange(request)));
            }

            Assert.True(process.IsRunning, process.Log);
            Assert.DoesNotContain("Please report", process.Log, StringComparison.Ordinal);
            Assert.DoesNotContain("answered TPM_FAIL", process.Log, StringComparison.Ordinal);
        }

        public void Dispose() => _chain.Dispose();
    }
}
