using System.Security.Cryptography;

namespace Vtpm.Wire.Tests;

/// <summary>What single structures do beyond being described.</summary>
public sealed class StructureTests
{
    [Fact]
    public void Digest_OfAStructure_IsSha1OfItsBytes()
    {
        var composite = new TpmPcrComposite { Select = TpmPcrSelection.Of(0), PcrValue = new byte[20] };

        Assert.Equal(new TpmDigest(SHA1.HashData([0, 3, 1, 0, 0, 0, 0, 0, 20, .. new byte[20]])), WireFormat.Digest(composite));
    }

    [Fact]
    public void Digest_OfALongStructure_IsSha1OfItsBytes()
    {
        var key = new TpmStorePubKey { Key = new byte[2000] };

        Assert.Equal(new TpmDigest(SHA1.HashData([0, 0, 0x07, 0xD0, .. new byte[2000]])), WireFormat.Digest(key));
    }

    /// <summary>Part 2 §10.6: without encDataSize and encData.</summary>
    [Fact]
    public void Key_PubDataDigest_LeavesOutTheEncryptedPart()
    {
        byte[] bytes = StructureVector.All.Values.First(v => v.Structure == nameof(TpmKey)).Bytes;
        WireFormat.Read(bytes, out TpmKey key);

        Assert.Equal(TpmDigest.Of(bytes.AsSpan(0, bytes.Length - 4 - key.EncData.Length)), key.PubDataDigest());
    }

    /// <summary>Part 2 §9.3: without encDataSize and encData.</summary>
    [Fact]
    public void StoredData_StoredDigest_LeavesOutTheEncryptedPart()
    {
        byte[] bytes = StructureVector.All.Values.First(v => v.Structure == nameof(TpmStoredData)).Bytes;
        WireFormat.Read(bytes, out TpmStoredData data);

        Assert.Equal(TpmDigest.Of(bytes.AsSpan(0, bytes.Length - 4 - data.EncData.Length)), data.StoredDigest());
    }

    [Theory]
    [InlineData("01010000", TpmResult.Success)]
    [InlineData("01011234", TpmResult.Success)]
    [InlineData("00280000", TpmResult.Success)]
    [InlineData("00280001", TpmResult.BadVersion)]
    [InlineData("01020000", TpmResult.BadVersion)]
    [InlineData("00160000", TpmResult.BadVersion)]
    public void Key_FirstFourBytes_SayWhichKeyItIs(string first, TpmResult expected)
    {
        byte[] bytes = StructureVector.All.Values.First(v => v.Structure == nameof(TpmKey)).Bytes;
        Convert.FromHexString(first).CopyTo(bytes, 0);

        Assert.Equal(expected, WireFormat.Read(bytes, out TpmKey _));
    }

    [Theory]
    [InlineData("01010000", false)]
    [InlineData("00160000", true)]
    [InlineData("00160006", true)]
    public void StoredData_FirstFourBytes_SayWhichDataItIs(string first, bool is12)
    {
        byte[] bytes = [.. Convert.FromHexString(first), .. new byte[8]];

        Assert.Equal(TpmResult.Success, WireFormat.Read(bytes, out TpmStoredData data));
        Assert.Equal(is12, data.IsStoredData12);
    }

    [Fact]
    public void PcrSelection_Bits_AreLowestFirstInEachByte()
    {
        TpmPcrSelection selection = TpmPcrSelection.Of(0, 7, 16);

        Assert.Equal([0x81, 0x00, 0x01], selection.PcrSelect.ToArray());
        Assert.Equal([0, 7, 16], Enumerable.Range(0, 64).Where(selection.Selects));
        Assert.False(selection.IsEmpty);
        Assert.True(TpmPcrSelection.Of().IsEmpty);
        Assert.True(default(TpmPcrSelection).IsEmpty);
    }

    [Theory]
    [InlineData(51, TpmResult.BadParamSize)]
    [InlineData(52, TpmResult.Success)]
    [InlineData(64, TpmResult.Success)]
    [InlineData(65, TpmResult.BadParamSize)]
    public void HashKey_Length_IsBounded(int length, TpmResult expected) =>
        Assert.Equal(expected, WireFormat.Read(new byte[length], out VtpmHashKey _));

    [Theory]
    [InlineData(4, TpmResult.Success)]
    [InlineData(12, TpmResult.BadParamSize)]
    [InlineData(20, TpmResult.Success)]
    [InlineData(22, TpmResult.BadParamSize)]
    [InlineData(36, TpmResult.BadParamSize)]
    public void NewRequest_HasOneUuidOrNone(int length, TpmResult expected)
    {
        Assert.Equal(expected, WireFormat.Read(new byte[length], out VtpmNewRequest request));
        Assert.Equal(length == 20, request.Uuid.HasValue);
    }

    /// <summary>As the original's manage-vtpmmgr.pl sends it.</summary>
    [Fact]
    public void NewRequest_WithAZeroByteAfterTheUuid_HasThatUuid()
    {
        byte[] bytes = Convert.FromHexString("00000002" + "00112233445566778899AABBCCDDEEFF" + "00");
        Assert.Equal(TpmResult.Success, WireFormat.Read(bytes, out VtpmNewRequest request));
        Assert.Equal((2u, Guid.Parse("00112233-4455-6677-8899-aabbccddeeff")), (request.Group, request.Uuid));
        bytes[^1] = 1;
        Assert.Equal(TpmResult.BadParamSize, WireFormat.Read(bytes, out request));
    }

    [Fact]
    public void Uuid_OnTheWire_IsInTheOrderOfItsText()
    {
        var uuid = new VtpmUuid { Uuid = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff") };

        Assert.Equal("00112233445566778899AABBCCDDEEFF", Convert.ToHexString(WireFormat.ToBytes(uuid)));
    }

    [Fact]
    public void GetQuoteResponse_Parts_FollowTheFlags()
    {
        var response = new VtpmGetQuoteResponse { HashesAndPcrValues = Enumerable.Range(0, 60).Select(i => (byte)i).ToArray() };
        const VtpmQuoteFlags Flags = VtpmQuoteFlags.HashUuid | VtpmQuoteFlags.GroupPubkey;

        Assert.Equal(40, response.Hashes(Flags).Length);
        Assert.Equal(40, response.PcrValues(Flags).Span[0]);
        Assert.Equal(60, response.PcrValues(VtpmQuoteFlags.None).Length);
        Assert.Equal(60, response.Hashes((VtpmQuoteFlags)uint.MaxValue).Length);
        Assert.True(response.PcrValues((VtpmQuoteFlags)uint.MaxValue).IsEmpty);
    }

    [Fact]
    public void Header_Code_IsWhatTheTagMakesOfIt()
    {
        WireFormat.Read(Convert.FromHexString("01C20000000E02000101"), out TpmHeader header);

        Assert.Equal(TpmTag.VtpmReq2, header.Tag);
        Assert.Equal(14u, header.ParamSize);
        Assert.Equal(VtpmManagerOrdinal.GroupList, header.ManagerOrdinal);
        Assert.Equal(TpmOrdinal.Extend, new TpmHeader { Code = 0x14 }.Ordinal);
        Assert.Equal(TpmResult.AuthFail, new TpmHeader { Code = 1 }.ReturnCode);
        Assert.Equal(TpmHeader.Size, WireFormat.Measure(header));
    }

    [Fact]
    public void AuthData_Printed_ShowsNothing()
    {
        TpmAuthData secret = new(Enumerable.Repeat((byte)0x5A, 20).ToArray());

        Assert.DoesNotContain("5a", $"{secret}", StringComparison.OrdinalIgnoreCase);
        Assert.Equal(default(TpmAuthData).GetHashCode(), secret.GetHashCode());
    }

    [Fact]
    public void TwentyBytes_Compare_ByContent()
    {
        byte[] bytes = [.. Enumerable.Range(0, 20).Select(i => (byte)i)];

        Assert.True(new TpmDigest(bytes) == new TpmDigest(bytes) && new TpmDigest(bytes) != default);
        Assert.True(new TpmNonce(bytes) == new TpmNonce(bytes) && new TpmNonce(bytes) != default);
        Assert.True(new TpmAuthData(bytes) == new TpmAuthData(bytes) && new TpmAuthData(bytes) != default);
        Assert.True(new TpmDigest(bytes).FixedTimeEquals(new TpmDigest(bytes)) && !new TpmDigest(bytes).FixedTimeEquals(default));
        Assert.Equal("000102030405060708090a0b0c0d0e0f10111213", new TpmDigest(bytes).ToString());
    }

    [Fact]
    public void TwentyBytes_OfAnotherLength_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => new TpmDigest(new byte[19]));
        Assert.Throws<ArgumentException>(() => new TpmNonce(new byte[21]));
        Assert.Throws<ArgumentException>(() => new TpmAuthData([]));
    }
}
