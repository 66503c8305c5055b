using System.Net.Sockets;
using System.Runtime.InteropServices;
using Vtpm.Storage;

namespace Vtpm.Backend;

/// <summary>What a vTPM's process is started with.</summary>
/// <param name="Uuid">The vTPM.</param>
/// <param name="Image">Its image, open and locked.</param>
/// <param name="IsImageNew">It was made for this start.</param>
/// <param name="Record">The record of its guest's boot, likewise.</param>
public sealed record VtpmLaunch(Guid Uuid, FileBlockStore Image, bool IsImageNew, FileBlockStore Record);

/// <summary>Starts the processes of vTPMs.</summary>
public interface IVtpmLauncher
{
    /// <exception cref="IOException">It cannot be started; the message says why.</exception>
    IVtpmProcess Start(VtpmLaunch launch);
}

/// <summary>The process of a vTPM, as the one that has started it has it.</summary>
public interface IVtpmProcess : IDisposable
{
    int Id { get; }

    /// <summary>Our end of the link for requests. Its end tells the process to end.</summary>
    Socket Requests { get; }

    /// <summary>Our end of the link on which it asks for connections to the manager.</summary>
    Socket Manager { get; }

    /// <summary>What the process writes to its standard output and error.</summary>
    Socket Log { get; }

    /// <summary>Becomes readable when the process ends.</summary>
    SafeHandle Ended { get; }

    /// <summary>Whether it has ended, and how.</summary>
    bool HasEnded(out string how);

    /// <summary>Ends it at once, whatever it is in. Its end shows as any other.</summary>
    void Kill();
}
