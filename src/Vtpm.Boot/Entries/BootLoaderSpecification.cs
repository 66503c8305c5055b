using System.Collections.Immutable;
using System.Text;

namespace Vtpm.Boot;

/// <summary>The entries of the Boot Loader Specification, type 1: a file for each kernel in <c>loader/entries</c>.</summary>
public static class BootLoaderSpecification
{
    /// <summary>The longest file that is read.</summary>
    public const int LongestFile = 1 << 16;

    /// <summary>Reads one file; null where it starts no kernel.</summary>
    /// <param name="file">Its content.</param>
    /// <param name="environment">Of GRUB, by which options may name variables.</param>
    public static BootEntry? Parse(ReadOnlySpan<byte> file, IReadOnlyDictionary<string, string> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        string title = "", kernel = "";
        var initrds = ImmutableArray.CreateBuilder<string>();
        var options = new List<string>();
        int length = 0;
        foreach (string line in Encoding.Latin1.GetString(file).Split('\n'))
        {
            string text = line.Trim(' ', '\t', '\r');
            int end = text.AsSpan().IndexOfAny(' ', '\t');
            if (end <= 0 || text[0] == '#') continue;
            string value = text[end..].TrimStart(' ', '\t');
            switch (text[..end])
            {
                case "title":
                    title = value;
                    break;
                case "linux":
                    kernel = value;
                    break;
                case "initrd":
                    initrds.Add(value);
                    break;
                case "options":
                    options.Add(value.Contains('$', StringComparison.Ordinal) ? string.Join(' ', GrubWords.Split(value, environment)) : value);
                    if ((length += options[^1].Length) > LongestFile) throw new BootException("the options of a boot entry of the guest's are too long");
                    break;
            }
        }

        return kernel.Length == 0 ? null : new BootEntry(title, kernel, initrds.DrainToImmutable(), string.Join(' ', options));
    }

    /// <summary>The names of entries, the newest first: runs of digits count as numbers, so that 6.10 is newer than 6.9.</summary>
    public static IEnumerable<string> Newest(IEnumerable<string> names) => names.OrderDescending(Comparer<string>.Create(Compare));

    private static int Compare(string left, string right)
    {
        for (int i = 0, j = 0; i < left.Length && j < right.Length;)
        {
            (int iEnd, int jEnd) = (Run(left, i), Run(right, j));
            ReadOnlySpan<char> a = left.AsSpan(i, iEnd - i), b = right.AsSpan(j, jEnd - j);
            bool areNumbers = char.IsAsciiDigit(a[0]) && char.IsAsciiDigit(b[0]);
            if (areNumbers)
            {
                a = a.TrimStart('0');
                b = b.TrimStart('0');
            }

            int order = areNumbers && a.Length != b.Length ? a.Length - b.Length : a.SequenceCompareTo(b);
            if (order != 0) return order;
            (i, j) = (iEnd, jEnd);
        }

        return left.Length - right.Length;
    }

    /// <summary>The end of the digits, or of what is none, that begin here.</summary>
    private static int Run(string text, int start)
    {
        int end = start + 1;
        while (end < text.Length && char.IsAsciiDigit(text[end]) == char.IsAsciiDigit(text[start])) end++;
        return end;
    }
}
