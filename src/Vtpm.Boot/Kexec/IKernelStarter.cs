namespace Vtpm.Boot;

/// <summary>Starts another kernel in the place of this one.</summary>
public interface IKernelStarter
{
    /// <summary>Takes a copy of what is to start; nothing else starts then.</summary>
    /// <exception cref="BootException">It is no kernel that can be started here.</exception>
    void Load(FileStream kernel, FileStream initrd, ReadOnlySpan<byte> commandLine);

    /// <summary>Starts it. Returns only by an exception.</summary>
    void Start();
}
