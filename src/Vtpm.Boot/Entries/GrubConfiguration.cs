using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Vtpm.Boot;

/// <summary>
/// The menu of a grub.cfg as update-grub and grub2-mkconfig write it. It is read, not run: of conditions both sides count, and the last assignment
/// of a variable does.
/// </summary>
public sealed class GrubConfiguration
{
    /// <summary>The longest file that is read.</summary>
    public const int LongestFile = 1 << 20;

    private const int MostNodes = 4096;
    private const int DeepestMenu = 8;

    /// <summary>Of all words, with what variables stand for: a hundred thousand copies of a long one must not fill this domain's memory.</summary>
    private const int LongestExpansion = 4 * LongestFile;

    private readonly Dictionary<string, string> _variables;
    private readonly Node _root = new("", "", null);
    private int _nodes;

    private GrubConfiguration(string text, Dictionary<string, string> environment)
    {
        _variables = environment;
        Node at = _root;
        // Blocks that are no menu entries: functions.
        int depth = 0, others = 0, expanded = 0;
        foreach (string line in text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace("\\\n", "", StringComparison.Ordinal).Split('\n'))
        {
            List<string> words = GrubWords.Split(line, _variables);
            if (words.Count == 0) continue;
            if ((expanded += words.Sum(word => word.Length)) > LongestExpansion) throw new BootException("the guest's grub.cfg stands for too much");
            if (words[0] is "menuentry" or "submenu" && words is [_, var title, ..] && words[^1] == "{")
            {
                if (++depth > DeepestMenu || ++_nodes > MostNodes) throw new BootException("the guest's GRUB menu is too large");
                at = at.Add(title, IdOf(words));
            }
            else if (words[^1] == "{") others++;
            else if (words[0] == "}" && others > 0) others--;
            else if (words[0] == "}" && at.Parent is { } parent)
            {
                depth--;
                at = parent;
            }
            else Take(at, words);
        }
    }

    /// <param name="file">grub.cfg.</param>
    /// <param name="environment">grubenv, which keeps what was saved; empty where there is none.</param>
    public static GrubConfiguration Parse(ReadOnlySpan<byte> file, ReadOnlySpan<byte> environment) =>
        new(Encoding.Latin1.GetString(file), ReadEnvironment(Encoding.Latin1.GetString(environment)));

    /// <summary>What starts when nobody chooses: <c>default</c>, or else the first entry. Null where nothing in the menu starts a kernel.</summary>
    /// <param name="choice">A title, an id, or a number from 0, of a submenu's entry after <c>&gt;</c>; null for the configuration's own.</param>
    /// <exception cref="BootException">There is no such entry.</exception>
    public BootEntry? Choose(string? choice = null)
    {
        if (choice is not null)
            return Find(choice)?.FirstEntry()?.Entry ?? throw new BootException($"the guest's GRUB menu has no entry '{choice}' that starts a kernel");
        string own = _variables.GetValueOrDefault("default", "");
        return (Find(own.Length == 0 ? "0" : own)?.FirstEntry() ?? _root.FirstEntry())?.Entry;
    }

    private Node? Find(string choice)
    {
        Node? at = _root;
        foreach (string part in choice.Split('>'))
            at = at?.Children.Find(child => child.Id.Length > 0 && child.Id == part || child.Title == part)
                ?? (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? at?.Children.ElementAtOrDefault(index) : null);
        return at;
    }

    private void Take(Node at, List<string> words)
    {
        switch (words)
        {
            case ["set", var assignment, ..] when assignment.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals:
                _variables[assignment[..equals]] = assignment[(equals + 1)..];
                break;
            case ["linux" or "linux16" or "linuxefi", var kernel, ..]:
                at.Kernel = kernel;
                at.Arguments = string.Join(' ', words.Skip(2));
                break;
            case ["initrd" or "initrd16" or "initrdefi", ..]:
                at.Initrds = [.. words.Skip(1)];
                break;
        }
    }

    /// <summary>update-grub writes <c>$menuentry_id_option 'ID'</c>; by the time it is read here, the variable stands for nothing.</summary>
    private static string IdOf(List<string> words)
    {
        int option = words.IndexOf("--id");
        if (option < 0) option = words.IndexOf("", 2);
        return option >= 0 && option + 1 < words.Count - 1 ? words[option + 1] : "";
    }

    internal static Dictionary<string, string> ReadEnvironment(string text)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n'))
            if (!line.StartsWith('#') && line.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals) variables[line[..equals]] = line[(equals + 1)..];
        return variables;
    }

    private sealed class Node(string title, string id, Node? parent)
    {
        public string Title { get; } = title;

        public string Id { get; } = id;

        public Node? Parent { get; } = parent;

        public List<Node> Children { get; } = [];

        public string? Kernel { get; set; }

        public string Arguments { get; set; } = "";

        public ImmutableArray<string> Initrds { get; set; } = [];

        /// <exception cref="BootException">Its kernel is a variable that stands for nothing: GRUB would not start it either, nor another in its place.</exception>
        public BootEntry? Entry => Kernel switch
        {
            null => null,
            "" => throw new BootException($"the entry '{Title}' of the guest's GRUB menu does not say which kernel it starts"),
            _ => new BootEntry(Title, Kernel, Initrds, Arguments),
        };

        public Node Add(string title, string id)
        {
            var child = new Node(title, id, this);
            Children.Add(child);
            return child;
        }

        /// <summary>This one, or the first below it, that starts a kernel.</summary>
        public Node? FirstEntry() => Kernel is not null ? this : Children.Select(child => child.FirstEntry()).FirstOrDefault(found => found is not null);
    }
}
