namespace Vtpm.Bench;

/// <summary>Two sides in turns, so that a machine whose speed drifts is fair to both.</summary>
internal static class Duel
{
    /// <summary>Runs a round of both, and the next the other way round.</summary>
    public static void Alternate(int rounds, params ReadOnlySpan<Action<int>> sides)
    {
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < sides.Length; i++) sides[round % 2 == 0 ? i : sides.Length - 1 - i](round);
        }
    }
}
