using System.Text;

namespace Vtpm.StubDomain;

/// <summary>
/// The kernel's command line, which is all that a domain's configuration can say to its first process: <c>extra=</c> of xl's file. The words of Xen's
/// stub domains stand among the kernel's own, as in the original's configurations; what follows <c>--</c> is the program's alone.
/// </summary>
public sealed class KernelCommandLine
{
    private const string Separator = "--";

    private KernelCommandLine(IReadOnlyList<string> words, IReadOnlyList<string> after)
    {
        Words = words;
        After = after;
    }

    /// <summary>The words before the separator: the kernel's, and Xen's among them.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>The words after it, which the kernel does not look at.</summary>
    public IReadOnlyList<string> After { get; }

    /// <summary>Splits at spaces, except within double quotes, which are left out, as the kernel does.</summary>
    public static KernelCommandLine Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<string> words = Split(text);
        int separator = words.IndexOf(Separator);
        return separator < 0
            ? new KernelCommandLine(words, [])
            : new KernelCommandLine(words[..separator], words[(separator + 1)..]);
    }

    /// <summary>The program's arguments in a role: options after the separator first, then Xen's.</summary>
    public IReadOnlyList<string> ArgumentsOf(StubDomainRole role)
    {
        ArgumentNullException.ThrowIfNull(role);
        return [.. role.Command, .. After, .. Words.Where(word => role.IsArgument(word))];
    }

    private static List<string> Split(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool isQuoted = false, isWord = false;
        foreach (char c in text)
        {
            if (c == '"')
            {
                isQuoted = !isQuoted;
                isWord = true;
            }
            else if (isQuoted || !char.IsWhiteSpace(c))
            {
                word.Append(c);
                isWord = true;
            }
            else End();
        }

        End();
        return words;

        void End()
        {
            if (isWord) words.Add(word.ToString());
            word.Clear();
            isWord = false;
        }
    }
}
