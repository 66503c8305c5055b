using System.CommandLine;
using System.CommandLine.Parsing;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>Options that several verbs have.</summary>
internal static class Options
{
    /// <summary>For programs that <c>vtpm up</c> starts.</summary>
    public static Option<bool> StopWithParent { get; } = new("--stop-with-parent") { Description = "End when standard input ends.", Hidden = true };

    public static Option<TpmAddress> Address(string name, string description) =>
        new(name) { Description = description, HelpName = "ADDRESS", CustomParser = ParseAddress };

    public static Option<TpmAddress[]> Listen() => new("--listen")
    {
        Description = "Where clients connect: unix:PATH or tcp:HOST:PORT; may be given several times.",
        HelpName = "ADDRESS",
        Required = true,
        CustomParser = result => [.. result.Tokens.Select(token => Parse(result, token.Value)).OfType<TpmAddress>()],
    };

    public static Option<string> SocketMode() => new("--socket-mode")
    {
        Description = "Permissions of the Unix sockets' files, octal; they decide who may connect.",
        HelpName = "MODE",
        DefaultValueFactory = _ => "0600",
    };

    public static UnixFileMode ParseMode(string text)
    {
        try
        {
            return (UnixFileMode)(Convert.ToInt32(text, 8) & 0x1FF);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or OverflowException)
        {
            throw new UsageException($"--socket-mode {text}: write an octal mode such as 0660");
        }
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
