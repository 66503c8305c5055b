namespace Vtpm.Boot;

/// <summary>A guest cannot be measured, or must not be started; the message says why, and what the choices are.</summary>
public sealed class BootException : Exception
{
    public BootException()
    {
    }

    public BootException(string message)
        : base(Printable(message))
    {
    }

    public BootException(string message, Exception innerException)
        : base(Printable(message), innerException)
    {
    }

    /// <summary>A text of the guest's disk for a console or a log of this domain's, where its control characters would command the terminal.</summary>
    public static string Printable(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text;
    }
}
