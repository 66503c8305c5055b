using System.CommandLine;
using System.CommandLine.Parsing;
using Vtpm.Client;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>Options that several verbs have.</summary>
internal static class Options
{
    /// <summary>For programs that <c>vtpm up</c> starts.</summary>
    public static Option<bool> StopWithParent { get; } = new("--stop-with-parent") { Description = "End when standard input ends.", Hidden = true };

    public static Option<TpmAddress> Address(string name, string description) =>
        new(name) { Description = description, HelpName = "ADDRESS", CustomParser = ParseAddress };

    /// <summary>Bytes of a fixed number, in hexadecimal; none when the option is not given.</summary>
    public static Option<byte[]> Hex(string name, int size, string description) => new(name)
    {
        Description = description,
        HelpName = "HEX",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (text.Length == 2 * size && text.All(char.IsAsciiHexDigit)) return Convert.FromHexString(text);
            result.AddError($"{name} {text}: write {2 * size} hex digits");
            return null;
        },
    };

    public static Option<TpmAddress[]> Listen() => new("--listen")
    {
        Description = "Where clients connect: unix:PATH or tcp:HOST:PORT; may be given several times.",
        HelpName = "ADDRESS",
        Required = true,
        CustomParser = result => [.. result.Tokens.Select(token => Parse(result, token.Value)).OfType<TpmAddress>()],
    };

    public static Option<string> AcceptRestored() => new("--accept-restored")
    {
        Description = "Take a manager's image that is not the newest, a restored backup, for the newest one: by the name that its refusal says.",
        HelpName = "SAVE@COUNTER",
    };

    public static Option<string> SocketMode() => new("--socket-mode")
    {
        Description = "Permissions of the Unix sockets' files, octal; they decide who may connect.",
        HelpName = "MODE",
        DefaultValueFactory = _ => "0600",
    };

    /// <summary>A secret as Xen writes it, or @FILE: the command line of a process is for everybody on the machine to read.</summary>
    public static string ReadSecret(string name, string form)
    {
        try
        {
            if (form is ['@', .. var path]) form = File.ReadAllText(path).TrimEnd('\r', '\n');
            TpmSecret.Parse(form).Dispose();
            return form;
        }
        catch (FormatException exception)
        {
            throw new UsageException($"{name}: {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{name} {form}: the file cannot be read: {exception.Message}");
        }
    }

    public static UnixFileMode ParseMode(string text)
    {
        const int permissions = 0x1FF;
        try
        {
            if (Convert.ToInt32(text, 8) is >= 0 and <= permissions and var mode) return (UnixFileMode)mode;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or OverflowException)
        {
            // As any other that is none.
        }

        throw new UsageException($"--socket-mode {text}: write an octal mode from 0000 to 0777, such as 0660");
    }

    private static TpmAddress? ParseAddress(ArgumentResult result) => Parse(result, result.Tokens[0].Value);

    private static TpmAddress? Parse(ArgumentResult result, string text)
    {
        try
        {
            return TpmAddress.Parse(text);
        }
        catch (FormatException exception)
        {
            result.AddError(exception.Message);
            return null;
        }
    }
}

/// <summary>An argument is wrong in a way that the parser cannot see.</summary>
internal sealed class UsageException(string message) : Exception(message);
