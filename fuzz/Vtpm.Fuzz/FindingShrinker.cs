namespace Vtpm.Fuzz;

/// <summary>Makes the input of a finding smaller, as long as it throws the same exception from the same place.</summary>
internal static class FindingShrinker
{
    public static byte[] Shrink(IFuzzTarget target, byte[] input)
    {
        string? finding = Finding(target, input) ?? throw new InvalidOperationException("this input is no finding");
        for (int piece = Math.Max(input.Length / 2, 1); piece >= 1; piece /= 2)
        {
            for (int at = 0; at < input.Length;)
            {
                byte[] without = [.. input[..at], .. input[Math.Min(at + piece, input.Length)..]];
                if (Finding(target, without) == finding) input = without;
                else at += piece;
            }
        }

        return input;
    }

    private static string? Finding(IFuzzTarget target, byte[] input)
    {
        try
        {
            target.Run(input);
            return null;
        }
        catch (Exception exception)
        {
            Exception cause = exception.GetBaseException();
            string place = cause.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("Vtpm.", StringComparison.Ordinal)) ?? "";
            return $"{cause.GetType()} {place}";
        }
    }
}
