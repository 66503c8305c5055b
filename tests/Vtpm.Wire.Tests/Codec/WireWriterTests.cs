namespace Vtpm.Wire.Tests;

public sealed class WireWriterTests
{
    [Fact]
    public void Writer_Integers_AreBigEndian()
    {
        var writer = new WireWriter(new byte[15]);
        byte one = 0x01;
        ushort two = 0x0203;
        uint four = 0x04050607;
        ulong eight = 0x08090A0B0C0D0E0F;
        writer.UInt8(ref one);
        writer.UInt16(ref two);
        writer.UInt32(ref four);
        writer.UInt64(ref eight);

        Assert.Equal("0102030405060708090A0B0C0D0E0F", Convert.ToHexString(writer.Written));
        Assert.Equal(TpmResult.Success, writer.Result);
    }

    [Fact]
    public void Writer_WithoutRoom_ReportsSizeAndKeepsWhatItHas()
    {
        var writer = new WireWriter(new byte[3]);
        ushort two = 0x0203;
        writer.UInt16(ref two);
        writer.UInt16(ref two);

        Assert.Equal(TpmResult.Size, writer.Result);
        Assert.Equal(2, writer.Length);
    }

    [Fact]
    public void Writer_RunOfAnotherLength_IsAFault()
    {
        var writer = new WireWriter(new byte[8]);
        ReadOnlyMemory<byte> run = new byte[3];
        writer.Run(ref run, 4);

        Assert.Equal(TpmResult.BadParamSize, writer.Result);
    }

    [Fact]
    public void Writer_MoreThanALengthOf16BitsCanSay_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new TpmSymmetricKey { Data = new byte[0x10000] }));
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new TpmPcrSelection { PcrSelect = new byte[0x10000] }));
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new TpmKeyHandleList { Handle = new uint[0x10000] }));
    }

    [Fact]
    public void Writer_FieldOfAWrongFixedLength_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new TpmContextBlob { Label = new byte[15] }));
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new TpmDaaJoinData { DaaJoinU1 = new byte[128] }));
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new VtpmGroupNewRequest { SaaModulus = new byte[257] }));
    }

    [Fact]
    public void Writer_MoreItemsThanTheLimit_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new TpmMsaComposite { MigAuthDigest = new TpmDigest[TpmMsaComposite.Limit + 1] }));
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new VtpmConfigList { Kernels = new TpmDigest[VtpmConfigList.Limit + 1] }));
    }

    [Fact]
    public void Writer_SelectionsUnlikePlatforms_AreRefused() =>
        Assert.Throws<ArgumentException>(() => WireFormat.ToBytes(new VtpmGroupUpdateRequest { PcrSelections = new TpmPcrSelection[1] }));

    [Fact]
    public void ToBytes_OfAValueGiven_LeavesItAsItWas()
    {
        var area = new TpmNvDataSensitive { Data = new byte[5] };

        Assert.Equal((byte)5, WireFormat.ToBytes(area)[^26]);
        Assert.Equal(0u, area.PubInfo.DataSize);
    }
}
