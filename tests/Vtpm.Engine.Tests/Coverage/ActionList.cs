using System.Reflection;

namespace Vtpm.Engine.Tests.Coverage;

/// <summary>The action list of one command, as <c>ActionLists.txt</c> has it.</summary>
/// <param name="Name">What the names of its tests begin with: the command, and for a list that is no command's a second word behind a point.</param>
/// <param name="Section">Of Part 3.</param>
/// <param name="Absent">Why this TPM does not have the command; null for one that it has.</param>
/// <param name="Units">The actions, in their order.</param>
/// <param name="Untestable">Those that cannot have a test of their own, with the reason.</param>
public sealed record ActionList(
    string Name,
    string Section,
    string? Absent,
    IReadOnlyList<ActionUnit> Units,
    IReadOnlyDictionary<ActionUnit, string> Untestable)
{
    public const string Resource = "ActionLists.txt";

    public static IReadOnlyList<ActionList> All { get; } = Read();

    /// <summary>The name of the command, without a second word.</summary>
    public string Command => Name.Split('.')[0];

    /// <summary>The units that a test names which is called after the actions from <paramref name="first"/> to <paramref name="last"/>.</summary>
    /// <remarks>
    /// A letter that the list does not have stands for its action; an action without letter, at an end of a range, for all of its letters.
    /// </remarks>
    public IEnumerable<ActionUnit> Between(ActionUnit first, ActionUnit last) => Units.Where(unit => unit.Letter == ActionUnit.NoLetter
        ? unit.Number >= first.Number && unit.Number <= last.Number
        : unit.Rank >= first.Rank && (unit.Rank <= last.Rank || unit.Number == last.Number && last.Letter == ActionUnit.NoLetter && first != last));

    private static List<ActionList> Read()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        var lists = new List<ActionList>();
        List<string> block = [];
        foreach (string line in reader.ReadToEnd().Split('\n'))
        {
            if (line.TrimStart().StartsWith('#') || line.Trim().Length == 0) continue;
            if (!line.StartsWith(' ') && block.Count > 0)
            {
                lists.Add(Parse(block));
                block.Clear();
            }

            block.Add(line);
        }

        lists.Add(Parse(block));
        return lists;
    }

    private static ActionList Parse(List<string> block)
    {
        string[] head = block[0].Split(" ! ");
        string[] name = head[0].Split(' ');
        List<ActionUnit> units = [];
        Dictionary<ActionUnit, string> untestable = [];
        foreach (string line in block.Skip(1).Select(line => line.Trim()))
        {
            if (line[0] != '-')
            {
                units.AddRange(ParseUnits(line));
                continue;
            }

            string[] mark = line[1..].Split(": ", 2);
            foreach (ActionUnit unit in ParseUnits(mark[0])) untestable.Add(unit, mark[1]);
        }

        return new ActionList(name[0], name[1], head.ElementAtOrDefault(1), units, untestable);
    }

    /// <summary>Numbers, numbers with a letter, and ranges of letters: 3 4a 5a-c.</summary>
    private static IEnumerable<ActionUnit> ParseUnits(string text)
    {
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = word.Split('-');
            if (!ActionUnit.TryParse(ends[0], out ActionUnit unit)) throw new FormatException($"{word} is no action");
            char last = ends.Length == 1 ? unit.Letter : ends[1][0];
            for (char letter = unit.Letter; letter <= last; letter++) yield return unit with { Letter = letter };
        }
    }
}
