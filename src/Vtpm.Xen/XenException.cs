namespace Vtpm.Xen;

/// <summary>Xenstore, the hypervisor or the kernel's Xen drivers refuse. The message says what and what to do.</summary>
public sealed class XenException : IOException
{
    public XenException()
    {
    }

    public XenException(string message)
        : base(message)
    {
    }

    public XenException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    public XenException(string error, string message, Exception? innerException = null)
        : base(message, innerException) => Error = error;

    /// <summary>The error's name, such as <c>EACCES</c>; empty when it has none.</summary>
    public string Error { get; } = "";
}
