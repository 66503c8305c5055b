using System.Globalization;
using System.Text;
using Vtpm.Wire;
using static Vtpm.Engine.DelegatePermissions;

namespace Vtpm.Engine.Tests.Coverage;

/// <summary>Writes <c>docs/spec-coverage.md</c> from the command table, <c>ActionLists.txt</c> and the names of the tests.</summary>
internal static class SpecCoverageDocument
{
    private const string Introduction = """
        # Coverage of the specification

        Every ordinal of TPM Main, Part 2 §17, with what its command declares to the pipeline, and with the tests of the actions that Part 3 numbers.
        Written from the command table and the names of the tests, and compared with them by a test: `VTPM_WRITE_DOCS=1 dotnet run --project
        tests/Vtpm.Engine.Tests` writes it anew.

        - Sessions: how many authorization sessions the command may bring.
        - Runs: also without an owner (O), while deactivated (A), while disabled (E), before TPM_Startup (I), in failure mode (F). Some of these commands
          do then only a part of what they can.
        - Delegation: whether a bit of an owner's (O) or a key's (K) delegation stands for the command.
        - Transport: whether TPM_ExecuteTransport takes the command (yes, no).
        - Audit: audited unless the owner says otherwise (default), never, or only when the owner asks for it (-).
        - Tests: those whose names begin with the command; theories that run over all commands are not among them.
        - Actions: the numbers of the actions that have a test named after them; in brackets those that cannot have one of their own, for the reasons
          below.

        The maintenance commands are there when the vTPM was started with `maintcmds=1`; otherwise they are TPM_BAD_ORDINAL.
        """;

    private const string Head = """
        | command | ordinal | Part 3 | sessions | runs | delegation | transport | audit | duration | tests | actions |
        |---|---|---|---|---|---|---|---|---|---|---|
        """;

    private static readonly string[] Chapters =
    [
        "", "", "", "Admin startup and state", "Admin testing", "Admin opt-in", "Admin ownership", "The capability commands", "Auditing",
        "Administrative functions: management", "Storage functions", "Migration", "Maintenance functions", "Cryptographic functions",
        "Endorsement key handling", "Identity creation and activation", "Integrity collection and reporting", "Changing AuthData",
        "Authorization sessions", "Delegation commands", "Non-volatile storage", "Session management", "Eviction", "Timing ticks",
        "Transport sessions", "Monotonic counter", "DAA commands", "Deprecated commands", "Deleted commands",
    ];

    public static string Write(CommandTable commands)
    {
        var text = new StringBuilder().AppendLine(Introduction);
        IEnumerable<ActionList> lists = ActionList.All.Where(list => list.Name == list.Command);
        foreach (IGrouping<int, ActionList> chapter in lists.GroupBy(ChapterOf).OrderBy(chapter => chapter.Key == 0 ? int.MaxValue : chapter.Key))
        {
            string title = chapter.Key == 0 ? "Xen's own commands" : $"Part 3 §{chapter.Key} {Chapters[chapter.Key]}";
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## {title}").AppendLine().AppendLine(Head);
            foreach (ActionList list in chapter.OrderBy(SectionOrder)) text.AppendLine(Row(commands, list));
        }

        text.AppendLine().AppendLine("## Actions without a test of their own").AppendLine();
        foreach (ActionList list in ActionList.All)
        {
            foreach (IGrouping<string, ActionUnit> reason in list.Untestable.GroupBy(mark => mark.Value, mark => mark.Key))
                text.AppendLine(CultureInfo.InvariantCulture, $"- {list.Name.Replace('.', ' ')} {string.Join(' ', reason)}: {reason.Key}");
        }

        return text.ToString();
    }

    private static int ChapterOf(ActionList list) => int.TryParse(list.Section.Split('.')[0], out int chapter) ? chapter : 0;

    /// <summary>Sections in the order of the document: 11.9 before 11.10.</summary>
    private static string SectionOrder(ActionList list) => string.Join('.', list.Section.Split('.').Select(part => part.PadLeft(2)));

    private static string Row(CommandTable commands, ActionList list)
    {
        TpmOrdinal ordinal = Enum.Parse<TpmOrdinal>(list.Name);
        string name = $"| {list.Name} | 0x{(uint)ordinal:X8} | {(ChapterOf(list) == 0 ? "" : "§" + list.Section)} |";
        if (commands.Find(ordinal, out TpmCommand command) != TpmResult.Success) return $"{name} {list.Absent} | | | | | | | |";
        CommandTraits traits = command.Traits;
        string sessions = string.Join(", ", Enumerable.Range(0, 3).Where(traits.Allows));
        string audit = traits.Audit == Audit.No ? "-" : Lower(traits.Audit);
        int tests = CoveringTest.All.Count(test => test.Commands.Contains(list.Name));
        string transport = traits.IsTransportable ? "yes" : "no";
        string declared = $"{sessions} | {Runs(traits.Availability)} | {Delegation(ordinal)} | {transport} | {audit} | {Lower(traits.Duration)}";
        return $"{name} {declared} | {tests} | {Actions(list)} |";
    }

    private static string Actions(ActionList list)
    {
        if (list.Units.Count == 0) return "none numbered";
        string tested = Compress(list, unit => !list.Untestable.ContainsKey(unit));
        string without = Compress(list, list.Untestable.ContainsKey);
        return without.Length == 0 ? tested : $"{tested} ({without})";
    }

    /// <summary>Actions of a list, those that follow each other as a range: 3-5b.</summary>
    private static string Compress(ActionList list, Predicate<ActionUnit> counts)
    {
        List<string> runs = [];
        for (int first = 0; first < list.Units.Count; first++)
        {
            if (!counts(list.Units[first])) continue;
            int last = first;
            while (last + 1 < list.Units.Count && counts(list.Units[last + 1])) last++;
            runs.Add(first == last ? $"{list.Units[first]}" : $"{list.Units[first]}-{list.Units[last]}");
            first = last;
        }

        return string.Join(' ', runs);
    }

    private static string Runs(Availability availability)
    {
        var letters = new StringBuilder();
        foreach ((Availability flag, char letter) in (ReadOnlySpan<(Availability, char)>)
            [
                (Availability.NoOwner, 'O'),
                (Availability.Deactivated, 'A'),
                (Availability.Disabled, 'E'),
                (Availability.PostInit, 'I'),
                (Availability.Failed, 'F'),
            ])
        {
            if (availability.HasFlag(flag)) letters.Append(letter);
        }

        return letters.ToString();
    }

    private static string Delegation(TpmOrdinal ordinal) => (OwnerPermission(ordinal), KeyPermission(ordinal)) switch
    {
        (TpmDelegateOwnerPermission.None, TpmDelegateKeyPermission.None) => "",
        (_, TpmDelegateKeyPermission.None) => "O",
        (TpmDelegateOwnerPermission.None, _) => "K",
        _ => "O K",
    };

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Globalization", "CA1308", Justification = "shown to people")]
    private static string Lower<TEnum>(TEnum value)
        where TEnum : struct, Enum => value.ToString().ToLowerInvariant();
}
