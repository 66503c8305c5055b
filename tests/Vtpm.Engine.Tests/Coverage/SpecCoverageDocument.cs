using System.Globalization;
using System.Text;
using Vtpm.Wire;
using static Vtpm.Engine.DelegatePermissions;

namespace Vtpm.Engine.Tests.Coverage;

/// <summary>Writes <c>docs/spec-coverage.md</c> from the command table and <c>ActionLists.txt</c>.</summary>
internal static class SpecCoverageDocument
{
    private const string Introduction = """
        # Coverage of the specification

        Every ordinal of TPM Main, Part 2 §17, with what its command declares to the pipeline. Written from the command table, and compared with it by a
        test: `VTPM_WRITE_DOCS=1 dotnet run --project tests/Vtpm.Engine.Tests` writes it anew.

        - Sessions: how many authorization sessions the command may bring.
        - Runs: also without an owner (O), while deactivated (A), while disabled (E), before TPM_Startup (I), in failure mode (F). Some of these commands
          do then only a part of what they can.
        - Delegation: whether a bit of an owner's (O) or a key's (K) delegation stands for the command.
        - Transport: whether TPM_ExecuteTransport takes the command (yes, no).
        - Audit: audited unless the owner says otherwise (default), never, or only when the owner asks for it (-).

        The maintenance commands are there when the vTPM was started with `maintcmds=1`; otherwise they are TPM_BAD_ORDINAL.
        """;

    private const string Head = """
        | command | ordinal | Part 3 | sessions | runs | delegation | transport | audit | duration |
        |---|---|---|---|---|---|---|---|---|
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

        return text.ToString();
    }

    private static int ChapterOf(ActionList list) => int.TryParse(list.Section.Split('.')[0], out int chapter) ? chapter : 0;

    /// <summary>Sections in the order of the document: 11.9 before 11.10.</summary>
    private static string SectionOrder(ActionList list) => string.Join('.', list.Section.Split('.').Select(part => part.PadLeft(2)));

    private static string Row(CommandTable commands, ActionList list)
    {
        TpmOrdinal ordinal = Enum.Parse<TpmOrdinal>(list.Name);
        string name = $"| {list.Name} | 0x{(uint)ordinal:X8} | {(ChapterOf(list) == 0 ? "" : "§" + list.Section)} |";
        if (commands.Find(ordinal, out TpmCommand command) != TpmResult.Success) return $"{name} {list.Absent ?? "not yet"} | | | | | |";
        CommandTraits traits = command.Traits;
        string sessions = string.Join(", ", Enumerable.Range(0, 3).Where(traits.Allows));
        string audit = traits.Audit == Audit.No ? "-" : Lower(traits.Audit);
        return $"{name} {sessions} | {Runs(traits.Availability)} | {Delegation(ordinal)} | {(traits.IsTransportable ? "yes" : "no")} | {audit} | {Lower(traits.Duration)} |";
    }

    private static string Runs(Availability availability)
    {
        var letters = new StringBuilder();
        foreach ((Availability flag, char letter) in (ReadOnlySpan<(Availability, char)>)
            [
                (Availability.NoOwner, 'O'), (Availability.Deactivated, 'A'), (Availability.Disabled, 'E'), (Availability.PostInit, 'I'), (Availability.Failed, 'F'),
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
