using System.Security.Cryptography;

namespace Vtpm.Fuzz;

/// <summary>Makes inputs of findings smaller, one for each exception and place that it comes from.</summary>
internal static class FindingShrinker
{
    /// <summary>Writes what is left of the files into a folder. Inputs that are no finding when they are run alone are kept as they are.</summary>
    public static void Shrink(IFuzzTarget target, string folder, IEnumerable<string> files)
    {
        foreach (IGrouping<string?, byte[]> same in files.Select(File.ReadAllBytes).GroupBy(input => Finding(target, input)))
        {
            IEnumerable<byte[]> kept = same.Key is null ? same : [Shrink(target, same.MinBy(input => input.Length)!, same.Key)];
            foreach (byte[] input in kept) File.WriteAllBytes(Path.Combine(folder, Convert.ToHexStringLower(SHA1.HashData(input))[..8]), input);
        }
    }

    private static byte[] Shrink(IFuzzTarget target, byte[] input, string finding)
    {
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
