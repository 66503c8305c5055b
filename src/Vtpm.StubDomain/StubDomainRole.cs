namespace Vtpm.StubDomain;

/// <summary>What a domain is: the program that it runs, and which words of the kernel's command line are that program's.</summary>
/// <param name="Name">For people: the name of the image.</param>
/// <param name="Command">The program's arguments, before those of the domain's configuration.</param>
/// <param name="IsArgument">Whether a word is one of the program's arguments, and not one of the kernel's own.</param>
public sealed record StubDomainRole(string Name, IReadOnlyList<string> Command, Predicate<string> IsArgument)
{
    /// <summary>Which disk the program needs, by its arguments: it is there when the program starts.</summary>
    public Func<IReadOnlyList<string>, string> DiskOf { get; init; } = _ => FirstProcess.Disk;
}
