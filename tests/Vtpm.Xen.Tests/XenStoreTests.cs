using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>
/// Xenstore's protocol, byte by byte. Numbers are those of Xen's public header xs_wire.h, in the order of the machines that run this.
/// </summary>
public sealed class XenStoreTests : IDisposable
{
    private const uint Directory = 1, Read = 2, Watch = 4, Start = 6, End = 7, Write = 11, Remove = 13, Event = 15, Error = 16;

    private readonly ScriptedStream _stream = new();
    private readonly XenStoreClient _store;

    public XenStoreTests() => _store = new XenStoreClient(_stream);

    public void Dispose()
    {
        _store.Dispose();
        _stream.Dispose();
    }

    [Fact]
    public void Read_IsOneWriteOfHeaderAndPath()
    {
        _stream.Says(Read, 1, 0, "5f3a");

        Assert.Equal("5f3a", _store.Read("backend/vtpm/5/0/uuid"));

        string expected = "02000000" + "01000000" + "00000000" + "16000000" + Convert.ToHexString("backend/vtpm/5/0/uuid\0"u8);
        Assert.Equal([expected], Sent());
    }

    [Fact]
    public void Write_HasNoZeroAfterTheValue()
    {
        _stream.Says(Write, 1, 0, "OK\0");

        _store.Write("a/state", "2");

        Assert.Equal(["0B000000" + "01000000" + "00000000" + "09000000" + Convert.ToHexString([.. "a/state\0"u8, .. "2"u8])], Sent());
    }

    [Fact]
    public void Watch_HasPathAndToken()
    {
        _stream.Says(Watch, 1, 0, "OK\0");

        _store.Watch("backend/vtpm", "be");

        Assert.Equal(["04000000" + "01000000" + "00000000" + "10000000" + Convert.ToHexString("backend/vtpm\0be\0"u8)], Sent());
    }

    [Fact]
    public void List_GivesTheNames()
    {
        _stream.Says(Directory, 1, 0, "0\0" + "17\0").Says(Directory, 2, 0, "");

        Assert.Equal(["0", "17"], _store.List("backend/vtpm"));
        Assert.Empty(_store.List("backend/vbd"));
    }

    [Fact]
    public void Value_ThatIsEmpty_IsNotNull()
    {
        _stream.Says(Read, 1, 0, "");
        Assert.Equal("", _store.Read("a"));
    }

    [Theory]
    [InlineData("ENOENT")]
    [InlineData("EACCES")]
    public void WhatIsNotThere_IsNull(string error)
    {
        _stream.Says(Error, 1, 0, error + "\0").Says(Error, 2, 0, error + "\0").Says(Error, 3, 0, error + "\0");

        Assert.Null(_store.Read("a"));
        Assert.Empty(_store.List("a"));
        _store.Remove("a");
        Assert.Equal(3, _stream.Written.Count);
    }

    [Theory]
    [InlineData("EINVAL")]
    [InlineData("ENOSPC")]
    [InlineData("EQUOTA")]
    public void OtherRefusals_AreErrorsWithTheirNames(string error)
    {
        _stream.Says(Error, 1, 0, error + "\0");

        var thrown = Assert.Throws<XenException>(() => _store.Read("a"));

        Assert.Equal(error, thrown.Error);
        Assert.Contains("a", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_WithoutPermission_IsAnError()
    {
        _stream.Says(Error, 1, 0, "EACCES\0");
        Assert.Equal("EACCES", Assert.Throws<XenException>(() => _store.Write("a", "1")).Error);
    }

    [Fact]
    public void Events_BetweenRequestAndReply_AreKeptInTheirOrder()
    {
        _stream.Says(Event, 0, 0, "backend/vtpm/5/0\0be\0").Says(Event, 0, 0, "/local/domain/5/device/vtpm/0/state\0fe-5/0\0").Says(Read, 1, 0, "1");

        Assert.Equal("1", _store.Read("a"));

        Assert.True(_store.TryTakeWatch(out XenStoreEvent first));
        Assert.Equal(new XenStoreEvent("backend/vtpm/5/0", "be"), first);
        Assert.True(_store.TryTakeWatch(out XenStoreEvent second));
        Assert.Equal(new XenStoreEvent("/local/domain/5/device/vtpm/0/state", "fe-5/0"), second);
        Assert.False(_store.TryTakeWatch(out _));
    }

    [Fact]
    public void Pump_TakesAnEventThatNobodyAskedFor()
    {
        _stream.Says(Event, 0, 0, "a\0t\0");

        _store.Pump();

        Assert.True(_store.TryTakeWatch(out XenStoreEvent fired));
        Assert.Equal(new XenStoreEvent("a", "t"), fired);
    }

    [Fact]
    public void Event_WithoutToken_IsNone()
    {
        _stream.Says(Event, 0, 0, "a\0");
        _store.Pump();
        Assert.False(_store.TryTakeWatch(out _));
    }

    [Fact]
    public void Events_OfOnePath_AreKeptOnceUntilTheyAreTaken()
    {
        _stream.Says(Event, 0, 0, "a\0t\0").Says(Event, 0, 0, "a\0t\0").Says(Event, 0, 0, "a\0other\0").Says(Event, 0, 0, "a\0t\0");
        for (int i = 0; i < 3; i++) _store.Pump();

        Assert.Equal(["t", "other"], Tokens());
        _store.Pump();
        Assert.Equal(["t"], Tokens());
    }

    [Fact]
    public void Events_BeyondTheLimit_AreAllWatchesOnce()
    {
        _stream.Says(Watch, 1, 0, "OK\0").Says(Watch, 2, 0, "OK\0").Says(Watch, 3, 0, "OK\0").Says(16, 4, 0, "ENOENT\0");
        _store.Watch("backend/vtpm", "be");
        _store.Watch("/local/domain/5/device/vtpm/0/state", "fe-5/0");
        _store.Watch("gone", "gone");
        _store.Unwatch("gone", "gone");
        for (int i = 0; i < XenStoreClient.MostEvents; i++) _stream.Says(Event, 0, 0, $"/local/domain/5/device/vtpm/0/state/{i}\0fe-5/0\0");
        _stream.Says(Event, 0, 0, "backend/vtpm/7/0\0be\0");

        for (int i = 0; i <= XenStoreClient.MostEvents; i++) _store.Pump();

        var kept = new List<XenStoreEvent>();
        while (_store.TryTakeWatch(out XenStoreEvent fired)) kept.Add(fired);
        Assert.Equal(
            [new("/local/domain/5/device/vtpm/0/state", "fe-5/0"), new("backend/vtpm", "be"), new("backend/vtpm/7/0", "be")],
            kept.OrderBy(fired => fired.Path, StringComparer.Ordinal));
    }

    [Fact]
    public void Transaction_HasItsNumberInEveryMessage()
    {
        _stream.Says(Start, 1, 0, "9\0").Says(Write, 2, 9, "OK\0").Says(Error, 3, 9, "ENOENT\0").Says(End, 4, 9, "OK\0");

        _store.Transact(writes =>
        {
            writes.Write("b", "1");
            writes.Remove("c");
        });

        Assert.Equal(
            [
                "06000000" + "01000000" + "00000000" + "01000000" + "00",
                "0B000000" + "02000000" + "09000000" + "03000000" + Convert.ToHexString([.. "b\0"u8, .. "1"u8]),
                "0D000000" + "03000000" + "09000000" + "02000000" + Convert.ToHexString("c\0"u8),
                "07000000" + "04000000" + "09000000" + "02000000" + Convert.ToHexString("T\0"u8),
            ],
            Sent());
    }

    [Fact]
    public void Transaction_IntoWhichOthersWrote_IsBegunAgain()
    {
        _stream.Says(Start, 1, 0, "9\0").Says(Write, 2, 9, "OK\0").Says(Error, 3, 9, "EAGAIN\0")
            .Says(Start, 4, 0, "10\0").Says(Write, 5, 10, "OK\0").Says(End, 6, 10, "OK\0");
        int tries = 0;

        _store.Transact(writes =>
        {
            tries++;
            writes.Write("b", "1");
        });

        Assert.Equal(2, tries);
        Assert.Equal(6, _stream.Written.Count);
    }

    [Fact]
    public void Transaction_ThatNeverSucceeds_EndsWithAnError()
    {
        for (uint i = 0; i < 1000; i++) _stream.Says(Start, (2 * i) + 1, 0, "9\0").Says(Error, (2 * i) + 2, 9, "EAGAIN\0");

        Assert.Equal("EAGAIN", Assert.Throws<XenException>(() => _store.Transact(_ => { })).Error);

        Assert.InRange(_stream.Written.Count, 20, 1000);
    }

    [Fact]
    public void Transaction_WhoseWriterFails_IsGivenUp()
    {
        _stream.Says(Start, 1, 0, "9\0").Says(End, 2, 9, "OK\0");

        Assert.Throws<InvalidOperationException>(() => _store.Transact(_ => throw new InvalidOperationException("of the caller")));

        Assert.Equal("07000000" + "02000000" + "09000000" + "02000000" + Convert.ToHexString("F\0"u8), Sent()[1]);
    }

    [Fact]
    public void Payload_LongerThanXenstoreTakes_IsNotSent()
    {
        Assert.Throws<ArgumentException>(() => _store.Write("a", new string('x', 4095)));
        Assert.Empty(_stream.Written);
        _stream.Says(Write, 2, 0, "OK\0");
        _store.Write("a", new string('x', 4094));
        Assert.Equal(16 + 4096, Assert.Single(_stream.Written).Length);
    }

    [Fact]
    public void Reply_LongerThanXenstoresAre_IsRefusedBeforeItIsRead()
    {
        _stream.Says(0x02, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x10, 0, 0);
        Assert.Contains("4097", Assert.Throws<XenException>(() => _store.Read("a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reply_ToAnotherRequest_IsAnError()
    {
        _stream.Says(Read, 77, 0, "1");
        Assert.Contains("77", Assert.Throws<XenException>(() => _store.Read("a")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    public void Stream_ThatEnds_IsAnErrorThatSaysSo(int bytes)
    {
        byte[] reply = [2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, (byte)'a', (byte)'b'];
        _stream.Says(reply[..bytes]);
        Assert.Contains("xenstored", Assert.Throws<XenException>(() => _store.Read("a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stream_ThatIsBroken_IsAnErrorOfXens()
    {
        _stream.Fault = new IOException("broken pipe");
        Assert.Contains("broken pipe", Assert.Throws<XenException>(() => _store.Write("a", "1")).Message, StringComparison.Ordinal);
    }

    private List<string> Tokens()
    {
        var tokens = new List<string>();
        while (_store.TryTakeWatch(out XenStoreEvent fired)) tokens.Add(fired.Token);
        return tokens;
    }

    private List<string> Sent() => [.. _stream.Written.Select(Convert.ToHexString)];
}
