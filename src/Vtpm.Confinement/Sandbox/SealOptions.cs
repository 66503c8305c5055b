namespace Vtpm.Confinement;

/// <summary>A file that a sealed process may write, at positions from 0 to its length.</summary>
/// <param name="Descriptor">Its number.</param>
/// <param name="Length">Where no byte begins any more.</param>
public readonly record struct WritableFile(int Descriptor, long Length);

/// <summary>What a sealed process may do beyond what every one may.</summary>
public sealed record SealOptions
{
    /// <summary>The files it writes; it can write to no other, and let none of these grow beyond twice its length.</summary>
    public IReadOnlyList<WritableFile> Files { get; init; } = [];

    /// <summary>Whether it takes connections from listening sockets that it has.</summary>
    public bool AcceptsConnections { get; init; }
}
