namespace Vtpm.Crypto.Tests;

public sealed class SystemRandomTests
{
    [Fact]
    public void Fill_Megabyte_HasEvenBytes()
    {
        using var random = new SystemRandom();
        var bytes = new byte[1 << 20];
        random.Fill(bytes);
        AssertEven(bytes);
    }

    [Fact]
    public void Fill_ManyNonces_HasEvenBytesAndNoRepetition()
    {
        using var random = new SystemRandom();
        var all = new List<byte>();
        var seen = new HashSet<string>();
        var nonce = new byte[20];
        for (int i = 0; i < 50_000; i++)
        {
            random.Fill(nonce);
            all.AddRange(nonce);
            Assert.True(seen.Add(Convert.ToHexString(nonce)));
        }

        AssertEven([.. all]);
    }

    [Fact]
    public void Fill_AnyLength_ReachesTheEndsAndNoFurther()
    {
        using var random = new SystemRandom();
        for (int length = 0; length < 1000; length++)
        {
            var bytes = new byte[length + 2];
            bytes[0] = bytes[^1] = 0xA5;
            bool first = length == 0, last = length == 0;

            // A byte that was filled is zero once in 256 times; 40 times in a row, never.
            for (int attempt = 0; attempt < 40 && !(first && last); attempt++)
            {
                random.Fill(bytes.AsSpan(1, length));
                first |= bytes[1] != 0;
                last |= bytes[^2] != 0;
            }

            Assert.True(first && last);
            Assert.Equal(0xA5, bytes[0]);
            Assert.Equal(0xA5, bytes[^1]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(5000)]
    public void Stir_AnyLength_LeavesTheGeneratorRandom(int length)
    {
        using var random = new SystemRandom();
        var bytes = new byte[1 << 18];
        for (int i = 0; i < bytes.Length; i += 1 << 14)
        {
            random.Stir(new byte[length]);
            random.Fill(bytes.AsSpan(i, 1 << 14));
        }

        AssertEven(bytes);
    }

    [Fact]
    public async Task Fill_FourThreads_NeverSeeTheSameBytes()
    {
        using var random = new SystemRandom();
        using var start = new Barrier(4);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Task<List<string>>[] threads = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () => Collect(random, start), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        List<string>[] nonces = await Task.WhenAll(threads);
        Assert.Equal(4 * 5000, nonces.SelectMany(list => list).Distinct().Count());
    }

    private static List<string> Collect(SystemRandom random, Barrier start)
    {
        var nonces = new List<string>();
        var nonce = new byte[20];
        start.SignalAndWait();
        for (int i = 0; i < 5000; i++)
        {
            random.Fill(nonce);
            if (i % 500 == 0) random.Stir(nonce);
            nonces.Add(Convert.ToHexString(nonce));
        }

        return nonces;
    }

    /// <summary>Chi-square over the 256 values: mean 255, deviation 22.6. The bounds are more than six deviations away: no sound generator meets them.</summary>
    private static void AssertEven(byte[] bytes)
    {
        var counts = new int[256];
        foreach (byte value in bytes) counts[value]++;
        double expected = bytes.Length / 256.0;
        double chiSquare = counts.Sum(count => (count - expected) * (count - expected) / expected);
        Assert.InRange(chiSquare, 110, 480);
    }
}
