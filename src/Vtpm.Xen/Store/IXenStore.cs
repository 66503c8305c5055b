namespace Vtpm.Xen;

/// <summary>
/// Xenstore: a tree of small strings that all domains share, each as far as its permissions go. Paths without a leading '/' are relative to the own
/// domain's.
/// </summary>
/// <remarks>Members throw <see cref="XenException"/> for what xenstore refuses, with <see cref="XenException.Error"/> as its name for it.</remarks>
public interface IXenStore
{
    /// <summary>A value; null when there is none, or none that this domain may see.</summary>
    string? Read(string path);

    /// <summary>The names below a path, in no order; none when it is not there.</summary>
    IReadOnlyList<string> List(string path);

    void Write(string path, string value);

    /// <summary>Removes a path with all below it; one that is not there is no error.</summary>
    void Remove(string path);

    /// <summary>Several writes that happen at once or not at all; begun again when others have written in between.</summary>
    void Transact(Action<IXenStore> writes);

    /// <summary>Asks to be told of changes at and below a path. Fires once at the start.</summary>
    /// <param name="path">As it is to be named in the events.</param>
    /// <param name="token">Comes back with the events.</param>
    void Watch(string path, string token);

    void Unwatch(string path, string token);

    /// <summary>The next watch that has fired, if there is one.</summary>
    bool TryTakeWatch(out XenStoreEvent fired);
}

/// <summary>Something changed at or below a watched path.</summary>
/// <param name="Path">Where, in the form that the watch was set with.</param>
/// <param name="Token">The watch's.</param>
public readonly record struct XenStoreEvent(string Path, string Token);
