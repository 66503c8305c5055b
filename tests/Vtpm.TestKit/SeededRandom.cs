using System.Buffers.Binary;
using Vtpm.Engine;

namespace Vtpm.TestKit;

/// <summary>Random numbers that are the same in every run, and that can be taken up again where they were: the generator SplitMix64.</summary>
public sealed class SeededRandom(int seed = 1) : ITpmRandom
{
    /// <summary>How far the stream has come; setting it goes there.</summary>
    public ulong Position { get; set; } = (ulong)seed << 32;

    public void Fill(Span<byte> destination)
    {
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        for (int at = 0; at < destination.Length; at += number.Length)
        {
            BinaryPrimitives.WriteUInt64BigEndian(number, Mix(++Position * 0x9E3779B97F4A7C15));
            number[..Math.Min(number.Length, destination.Length - at)].CopyTo(destination[at..]);
        }
    }

    public void Stir(ReadOnlySpan<byte> entropy)
    {
        // What a caller brings is not wanted here: runs would differ.
    }

    private static ulong Mix(ulong number)
    {
        number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9;
        number = (number ^ number >> 27) * 0x94D049BB133111EB;
        return number ^ number >> 31;
    }
}
