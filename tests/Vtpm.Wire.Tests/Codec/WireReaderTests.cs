namespace Vtpm.Wire.Tests;

public sealed class WireReaderTests
{
    [Fact]
    public void Reader_Integers_AreBigEndian()
    {
        var reader = new WireReader([0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F]);
        byte one = 0;
        ushort two = 0;
        uint four = 0;
        ulong eight = 0;
        reader.UInt8(ref one);
        reader.UInt16(ref two);
        reader.UInt32(ref four);
        reader.UInt64(ref eight);

        Assert.Equal((0x01, 0x0203, 0x04050607u, 0x08090A0B0C0D0E0Ful), (one, two, four, eight));
        Assert.Equal(TpmResult.Success, reader.Finish());
    }

    [Fact]
    public void Reader_AfterAFault_KeepsTheFirstAndReadsZeroes()
    {
        var reader = new WireReader([0xAA, 0xBB, 0xCC]);
        ushort two = 0;
        uint four = 7;
        byte one = 7;
        byte[] run = [1, 2];
        ReadOnlyMemory<byte> rest = run;
        reader.UInt16(ref two);
        reader.UInt32(ref four);
        reader.Fault(TpmResult.BadTag);
        reader.UInt8(ref one);
        reader.Fixed(run);
        reader.Rest(ref rest);

        Assert.Equal((0xAABB, 0u, 0), (two, four, one));
        Assert.Equal([0, 0], run);
        Assert.True(rest.IsEmpty);
        Assert.Equal(TpmResult.BadParamSize, reader.Finish());
    }

    [Fact]
    public void Reader_BytesLeftOver_AreBadParamSize()
    {
        var reader = new WireReader([1, 2]);
        byte one = 0;
        reader.UInt8(ref one);

        Assert.Equal(1, reader.Remaining);
        Assert.Equal(TpmResult.BadParamSize, reader.Finish());
    }

    [Fact]
    public void Reader_Run_IsACopyOfTheInput()
    {
        byte[] input = [1, 2, 3];
        var reader = new WireReader(input);
        ReadOnlyMemory<byte> run = default;
        reader.Run(ref run, 3);
        input[0] = 9;

        Assert.Equal([1, 2, 3], run.ToArray());
    }

    [Fact]
    public void Reader_WithAnAllocator_TakesEveryRunFromIt()
    {
        var allocator = new RecordingAllocator();

        TpmResult result = WireFormat.Read([0x05, .. new byte[60], 0, 0, 0, 2, 0xCA, 0xFE], out TpmSealedData value, allocator);

        Assert.Equal(TpmResult.Success, result);
        Assert.Equal([0xCA, 0xFE], Assert.Single(allocator.Arrays));
        Assert.Equal([0xCA, 0xFE], value.Data.ToArray());
    }

    [Fact]
    public void ToBytes_WithAnAllocator_WritesIntoItsArray()
    {
        var allocator = new RecordingAllocator();

        byte[] bytes = WireFormat.ToBytes(new TpmSealedData { Data = new byte[] { 1 } }, allocator);

        Assert.Same(Assert.Single(allocator.Arrays), bytes);
    }

    private sealed class RecordingAllocator : IByteAllocator
    {
        public List<byte[]> Arrays { get; } = [];

        public byte[] Allocate(int length)
        {
            Arrays.Add(new byte[length]);
            return Arrays[^1];
        }
    }
}
