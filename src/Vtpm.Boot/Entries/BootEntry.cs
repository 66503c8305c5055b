using System.Collections.Immutable;

namespace Vtpm.Boot;

/// <summary>What a boot loader's configuration starts: files of the guest's disk, and the command line.</summary>
/// <param name="Title">For people.</param>
/// <param name="Kernel">The kernel's path.</param>
/// <param name="Initrds">The paths of what the initrd is put together from.</param>
/// <param name="Arguments">The kernel's command line.</param>
public sealed record BootEntry(string Title, string Kernel, ImmutableArray<string> Initrds, string Arguments);
