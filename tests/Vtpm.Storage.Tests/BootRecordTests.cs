using System.Text;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>The record of a guest's boot: whatever is cut off, nothing older than what was written whole comes back; whatever is damaged, nothing.</summary>
public class BootRecordTests
{
    private static readonly byte[] Guest = [.. Enumerable.Range(1, BootRecord.GuestSize).Select(i => (byte)i)];
    private static readonly byte[] Other = new byte[BootRecord.GuestSize];

    private readonly byte[] _bytes = new byte[BootRecord.Length];

    [Fact]
    public void New_IsItsGuestsAndHasNothingYet()
    {
        New();

        BootRecord again = Open()!;
        Assert.True(again.IsOf(Guest));
        Assert.False(again.IsOf(Other));
        Assert.Equal(BootOrigin.Whole, again.Origin);
        Assert.Null(again.Content);
    }

    [Fact]
    public void Written_TheLastOneComesBack()
    {
        BootRecord record = New();
        for (int i = 0; i < 5; i++)
        {
            record.Write(Text(i));
            Assert.Equal(Text(i), Open()!.Content);
        }

        BootRecord again = Open()!;
        again.Write(Text(9));
        Assert.Equal(Text(9), Open()!.Content);
    }

    [Fact]
    public void Content_OfEveryLengthUpToTheCapacity_ComesBack()
    {
        BootRecord record = New();
        foreach (int length in (int[])[0, 1, 480, BootRecord.Capacity])
        {
            byte[] content = [.. Enumerable.Repeat((byte)length, length)];
            record.Write(content);
            Assert.Equal(content, Open()!.Content);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => record.Write(new byte[BootRecord.Capacity + 1]));
    }

    /// <summary>A process that is killed in the middle of a write, at every byte of it.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WriteThatIsCutOff_LeavesTheOneBeforeOrItself(int before)
    {
        BootRecord record = New();
        for (int i = 0; i < before; i++) record.Write(Text(i));
        byte[] start = [.. _bytes];
        var recorder = new Recorder(new MemoryBlockStore(_bytes));
        BootRecord.Open(recorder)!.Write(Text(before));
        int total = recorder.Writes.Sum(write => write.Bytes.Length);
        Assert.True(total > 60);

        for (int cut = 0; cut <= total; cut++)
        {
            start.CopyTo(_bytes, 0);
            recorder.Replay(_bytes, cut);

            BootRecord after = Open()!;
            Assert.Equal(BootOrigin.Whole, after.Origin);
            byte[]? old = before == 0 ? null : Text(before - 1);
            bool isOld = after.Content is null ? old is null : old is not null && after.Content.SequenceEqual(old);
            Assert.True(isOld || after.Content!.SequenceEqual(Text(before)), $"cut at {cut} of {total}");
            // The answer leaves when the write has returned.
            if (cut == total) Assert.Equal(Text(before), after.Content);
            // And what is written next is what counts then.
            after.Write(Text(7));
            Assert.Equal(Text(7), Open()!.Content);
        }
    }

    /// <summary>Never an older boot: the newest content, or none that counts.</summary>
    [Fact]
    public void AnyByteChanged_NothingOlderComesBack()
    {
        BootRecord record = New();
        for (int i = 0; i < 3; i++) record.Write(Text(i));
        byte[] whole = [.. _bytes];
        int lost = 0;
        for (int at = 0; at < whole.Length; at++)
        {
            whole.CopyTo(_bytes, 0);
            _bytes[at] ^= 0x41;

            BootRecord? after = Open();
            if (after is null || after.Origin == BootOrigin.Lost) lost++;
            else Assert.Equal(Text(2), after.Content);
        }

        Assert.InRange(lost, 50, 300);
    }

    [Fact]
    public void Lost_StaysLostAndKeepsWhatCameAfter()
    {
        BootRecord record = New();
        record.Write(Text(1));
        record.Lose();
        Assert.Null(Open()!.Content);

        BootRecord again = Open()!;
        again.Write(Text(2));

        Assert.Equal(BootOrigin.Lost, Open()!.Origin);
        Assert.Equal(Text(2), Open()!.Content);
    }

    /// <summary>Blank slots below a header that knows of no loss would be a boot that begins.</summary>
    [Fact]
    public void LosingThatIsCutOff_NeverLooksLikeABootThatBegins()
    {
        BootRecord record = New();
        record.Write(Text(1));
        record.Write(Text(2));
        byte[] start = [.. _bytes];
        var recorder = new Recorder(new MemoryBlockStore(_bytes));
        BootRecord.Open(recorder)!.Lose();
        int total = recorder.Writes.Sum(write => write.Bytes.Length);
        for (int cut = 0; cut <= total; cut++)
        {
            start.CopyTo(_bytes, 0);
            recorder.Replay(_bytes, cut);
            Assert.True(Open() is null or { Origin: BootOrigin.Lost } or { Content: not null }, $"cut at {cut}");
        }
    }

    [Fact]
    public void BytesThatAreNoRecord_AreNone()
    {
        Assert.Null(Open());
        Array.Fill(_bytes, (byte)0xFF);
        Assert.Null(Open());
        Assert.Null(BootRecord.Open(new MemoryBlockStore(100)));
    }

    private static byte[] Text(int number) => Encoding.ASCII.GetBytes($"the boot at moment {number}");

    private BootRecord New() => BootRecord.Create(new MemoryBlockStore(_bytes), Guest, BootOrigin.Whole);

    private BootRecord? Open() => BootRecord.Open(new MemoryBlockStore(_bytes));

    private sealed class Recorder(MemoryBlockStore store) : IBlockStore
    {
        public List<(long Offset, byte[] Bytes)> Writes { get; } = [];

        public long Length => store.Length;

        public void Read(long offset, Span<byte> destination) => store.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            Writes.Add((offset, source.ToArray()));
            store.Write(offset, source);
        }

        public void Flush() => store.Flush();

        public void Dispose() => store.Dispose();

        /// <summary>The first <paramref name="count"/> bytes of what was written.</summary>
        public void Replay(byte[] bytes, int count)
        {
            foreach ((long offset, byte[] written) in Writes)
            {
                int part = Math.Min(count, written.Length);
                written.AsSpan(0, part).CopyTo(bytes.AsSpan((int)offset));
                count -= part;
            }
        }
    }
}
