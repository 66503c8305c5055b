using System.Runtime.InteropServices;

namespace Vtpm.Xen;

/// <summary>
/// What a domain needs of Xen to be one end of a device: xenstore, pages that another domain shares, and event channels. Not for use by several
/// threads at once, <see cref="Interrupt"/> excepted.
/// </summary>
/// <remarks>Every member throws <see cref="XenException"/> where the hypervisor, xenstore or the kernel refuses.</remarks>
public interface IXenHost : IDisposable
{
    IXenStore Store { get; }

    /// <summary>Maps a page that another domain has granted, to read and write.</summary>
    ISharedPage MapGrant(uint domain, uint reference);

    /// <summary>A page of our own that another domain may map.</summary>
    IGrantedPage GrantPage(uint domain);

    /// <summary>Binds to a port that the other domain has made for us. Xen marks it as pending at once.</summary>
    /// <returns>The local port.</returns>
    uint BindEventChannel(uint domain, uint remotePort);

    /// <summary>Makes a port that the other domain may bind to.</summary>
    /// <returns>The local port.</returns>
    uint OfferEventChannel(uint domain);

    void UnbindEventChannel(uint port);

    void Notify(uint port);

    /// <summary>
    /// The XSM label of the domain at the other end of a port that is bound; null where XSM is off, or the hypervisor is not to be asked.
    /// </summary>
    string? LabelOfPeer(uint port);

    /// <summary>What the hypervisor says of another domain; null where it does not tell this one, which is so outside dom0.</summary>
    DomainInfo? Describe(uint domain);

    /// <summary>
    /// Waits for an event channel or a watch to fire, for what is attended to, for <see cref="Interrupt"/>, or for the time to pass. Watches are then
    /// taken from <see cref="IXenStore.TryTakeWatch"/>.
    /// </summary>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="ports">Takes the local ports that fired. Each of them stays silent from then on until <see cref="Rearm"/>.</param>
    void Wait(TimeSpan timeout, ICollection<uint> ports);

    /// <summary>
    /// Lets a port fire again; what came in the meantime fires at once. A domain whose port is not rearmed costs nothing, however often it notifies.
    /// </summary>
    void Rearm(uint port);

    /// <summary>
    /// Has <see cref="Wait"/> wait for a descriptor too: as long as it has something to read, or its other end has gone, each wait calls
    /// <paramref name="ready"/>, on the thread that waits.
    /// </summary>
    /// <param name="handle">Stays open until <see cref="Disregard"/>, also when it is disposed of before.</param>
    /// <param name="ready">Its exceptions come out of <see cref="Wait"/>.</param>
    void Attend(SafeHandle handle, Action ready);

    /// <summary>Ends <see cref="Attend"/>; of a descriptor that is not attended to, nothing.</summary>
    void Disregard(SafeHandle handle);

    /// <summary>Ends a <see cref="Wait"/>, this one or the next; from any thread.</summary>
    void Interrupt();
}

/// <summary>
/// A page that two domains write to. Each access is one access of that width, in the machine's byte order: what has been read once must not be read
/// again to be believed.
/// </summary>
public interface ISharedPage : IDisposable
{
    const int Size = 4096;

    byte ReadByte(int offset);

    uint ReadUInt32(int offset);

    void WriteByte(int offset, byte value);

    void WriteUInt32(int offset, uint value);

    void CopyTo(int offset, Span<byte> destination);

    void CopyFrom(int offset, ReadOnlySpan<byte> source);
}

/// <summary>A page of our own that another domain may map by its reference.</summary>
public interface IGrantedPage : ISharedPage
{
    uint Reference { get; }
}
