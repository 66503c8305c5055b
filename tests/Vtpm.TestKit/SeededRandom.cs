using Vtpm.Engine;

namespace Vtpm.TestKit;

/// <summary>Random numbers that are the same in every run.</summary>
public sealed class SeededRandom(int seed = 1) : ITpmRandom
{
    private readonly Random _random = new(seed);

    public void Fill(Span<byte> destination) => _random.NextBytes(destination);

    public void Stir(ReadOnlySpan<byte> entropy)
    {
        // What a caller brings is not wanted here: runs would differ.
    }
}
