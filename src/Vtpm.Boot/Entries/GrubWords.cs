using System.Text;

namespace Vtpm.Boot;

/// <summary>A line of GRUB's script as its words: quotes, escapes, and variables by what they were set to.</summary>
internal static class GrubWords
{
    /// <summary>A variable that stands for itself many times over must not fill the memory.</summary>
    private const int LongestLine = 1 << 16;

    public static List<string> Split(string line, IReadOnlyDictionary<string, string> variables)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool isWord = false;
        char quote = '\0';
        int total = 0;
        for (int at = 0; at < line.Length; at++)
        {
            char c = line[at];
            if (quote == '\0' && c == '#' && !isWord) break;
            if (quote == '\0' && c is ' ' or '\t' or ';')
            {
                End();
                continue;
            }

            isWord = true;
            if (c == quote) quote = '\0';
            else if (quote == '\0' && c is '\'' or '"') quote = c;
            else if (quote != '\'' && c == '\\' && at + 1 < line.Length) word.Append(line[++at]);
            else if (quote != '\'' && c == '$') word.Append(Value(line, ref at, variables));
            else word.Append(c);
            if (total + word.Length > LongestLine) throw new BootException("a line of the guest's boot loader's configuration is too long");
        }

        End();
        return words;

        void End()
        {
            if (isWord) words.Add(word.ToString());
            total += word.Length;
            word.Clear();
            isWord = false;
        }
    }

    /// <summary>$name or ${name}; what was never set is nothing, as to GRUB.</summary>
    private static string Value(string line, ref int at, IReadOnlyDictionary<string, string> variables)
    {
        int start = at + 1;
        bool isBraced = start < line.Length && line[start] == '{';
        if (isBraced) start++;
        int end = start;
        while (end < line.Length && (char.IsAsciiLetterOrDigit(line[end]) || line[end] == '_')) end++;
        string name = line[start..end];
        at = isBraced && end < line.Length && line[end] == '}' ? end : end - 1;
        return name.Length == 0 && !isBraced ? "$" : variables.GetValueOrDefault(name, "");
    }
}
