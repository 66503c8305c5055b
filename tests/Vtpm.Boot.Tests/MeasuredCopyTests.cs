using Vtpm.Wire;
using Xunit;

namespace Vtpm.Boot.Tests;

public sealed class MeasuredCopyTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(200_001)]
    public void Copy_HasTheBytesThatWereHashed(int size)
    {
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        using var copy = new MemoryStream();
        TpmDigest digest = MeasuredCopy.Of([new MemoryStream(content[..(size / 3)]), new MemoryStream(content[(size / 3)..])], copy, longest: size, out long length);
        Assert.Equal(TpmDigest.Of(content), digest);
        Assert.Equal(content, copy.ToArray());
        Assert.Equal(size, length);
    }

    [Fact]
    public void Copy_OfSomethingWithoutAnEnd_IsGivenUp()
    {
        using var endless = new Endless();
        using var copy = new MemoryStream();
        Assert.Throws<BootException>(() => MeasuredCopy.Of([endless], copy, longest: 100_000, out _));
        Assert.True(copy.Length <= 100_000);
    }

    /// <summary>A file that its disk says has no end.</summary>
    private sealed class Endless : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => 0; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => count;

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
