using System.Globalization;

namespace Vtpm.Bench;

/// <summary>The figures as a table for a terminal or for the README.</summary>
internal static class Report
{
    private static readonly string[] Columns = ["figure", "unit", "vtpm median", "p95", "swtpm median", "p95", "swtpm / vtpm", "aim", ""];

    // The first and the last columns are words.
    private static bool IsText(int column) => column is 0 or 1 or >= 7;

    public static void Write(TextWriter output, IReadOnlyList<Row> rows, string[] heading, bool markdown)
    {
        // Where nothing is aimed at, nothing is said of it.
        int shown = rows.Any(row => row.Aim is not null) ? Columns.Length : Columns.Length - 2;
        string[][] cells = [.. rows.Select(row => row.Cells()[..shown])];
        string[] columns = Columns[..shown];
        foreach (string line in heading) output.WriteLine(markdown ? $"- {line}" : line);
        output.WriteLine();
        int[] widths = [.. columns.Select((column, i) => Math.Max(column.Length, cells.Max(row => row[i].Length)))];
        WriteLine(output, columns, widths, markdown);
        if (markdown) output.WriteLine($"|{string.Join('|', columns.Select((_, i) => IsText(i) ? "---" : "---:"))}|");
        else output.WriteLine(string.Join("  ", widths.Select(width => new string('-', width))));
        foreach (string[] row in cells) WriteLine(output, row, widths, markdown);
    }

    public static string Today() => DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void WriteLine(TextWriter output, string[] cells, int[] widths, bool markdown)
    {
        string[] padded = [.. cells.Select((cell, i) => IsText(i) ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))];
        output.WriteLine(markdown ? $"| {string.Join(" | ", padded)} |" : string.Join("  ", padded).TrimEnd());
    }
}
