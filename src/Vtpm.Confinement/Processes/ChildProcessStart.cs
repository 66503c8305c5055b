using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>What a process is started with: everything that is not here is not there for it.</summary>
/// <param name="path">The executable; it is not looked for.</param>
/// <param name="arguments">Its arguments, less its own name.</param>
public sealed class ChildProcessStart(string path, params IReadOnlyList<string> arguments)
{
    public string Path { get; } = path;

    public IReadOnlyList<string> Arguments { get; } = arguments;

    /// <summary>Its environment, <c>NAME=VALUE</c>: by default an empty one.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>
    /// What becomes its descriptors 3, 4, 5 and so on. Standard input is /dev/null, and no other descriptor of this process is open in it. The handles
    /// stay the caller's, who closes those that are for the child alone: while a copy of its end of a socket pair is open here, neither side sees the
    /// other's end.
    /// </summary>
    public IReadOnlyList<SafeHandle> Descriptors { get; init; } = [];

    /// <summary>What becomes its standard output and error; null for ours.</summary>
    public SafeHandle? Output { get; init; }
}
