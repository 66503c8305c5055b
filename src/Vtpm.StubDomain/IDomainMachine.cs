namespace Vtpm.StubDomain;

/// <summary>What the first process of a domain asks of the machine that it is alone on.</summary>
/// <remarks>Members throw <see cref="StubDomainException"/> for what the kernel refuses.</remarks>
public interface IDomainMachine
{
    /// <summary>What the domain's configuration has as <c>extra=</c>. Readable when <c>/proc</c> is mounted.</summary>
    string CommandLine { get; }

    /// <summary>The kernel's modules in the image, in the order in which they need each other.</summary>
    IReadOnlyList<string> Modules { get; }

    /// <summary>Mounts one of the kernel's own file systems.</summary>
    void Mount(string type, string target);

    /// <summary>Loads a module, and gives the memory of its file back.</summary>
    void LoadModule(string name);

    /// <summary>Whether the toolstack has given this domain a disk at all.</summary>
    bool HasAnyDisk();

    /// <summary>Whether a disk is there and can be opened.</summary>
    bool HasDisk(string path);

    /// <summary>How much of the domain's memory is used.</summary>
    DomainMemory ReadMemory();

    /// <summary>Lets a little time pass: <see cref="FirstProcess"/> waits for its disk.</summary>
    void Pause(TimeSpan time);

    /// <summary>
    /// Ends the domain: everything is on its disk by then, and the toolstack does what the configuration says (<c>on_poweroff=</c>).
    /// </summary>
    void PowerOff();

    /// <summary>Ends the domain so that the toolstack starts it again (<c>on_reboot=</c>).</summary>
    void Restart();
}

/// <summary>The domain's memory, in KiB: what helps to choose <c>memory=</c> of its configuration.</summary>
/// <param name="Total">What the kernel has left to programs and files, of the configured memory.</param>
/// <param name="Available">What a program could still have.</param>
/// <param name="ProgramPeak">The most that this program has had.</param>
public readonly record struct DomainMemory(long Total, long Available, long ProgramPeak);
