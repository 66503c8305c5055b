using System.Globalization;
using Vtpm.Engine;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>How much a vTPM says.</summary>
public enum VtpmLogLevel
{
    Error,
    Info,
    Debug,
}

/// <summary>An argument of Xen's form is not understood; the message says what is wrong and what to write.</summary>
public sealed class VtpmArgumentException(string message) : Exception(message);

/// <summary>The arguments of Xen's vtpm-stubdom (its manual's <c>extra=</c>), whatever carries them: a command line, or a kernel's.</summary>
public sealed record VtpmArguments
{
    private const string Known = "loglevel=error|info|debug, clear, save, deactivated, maintcmds=1|0, hwinitpcr=all|none|N|X-Y[,...] and locality=LABEL=N[,N...]";

    public VtpmLogLevel LogLevel { get; init; } = VtpmLogLevel.Info;

    /// <summary>How the TPM is started: <c>clear</c>, <c>save</c> or <c>deactivated</c>.</summary>
    public TpmStartupType Startup { get; init; } = TpmStartupType.Clear;

    public bool MaintenanceCommands { get; init; }

    /// <summary>The PCRs that are given the hardware's values at start.</summary>
    public IReadOnlySet<int> HardwarePcrs { get; init; } = new SortedSet<int>();

    public LocalityPolicy Localities { get; init; } = LocalityPolicy.Any;

    /// <summary>
    /// Whether a word of a kernel's command line is one of these: by its name, so that a wrong value is told. <c>loglevel=</c> with a number is the
    /// kernel's own.
    /// </summary>
    public static bool IsArgument(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word : word[..equals];
        return name switch
        {
            "clear" or "save" or "deactivated" => equals < 0,
            "loglevel" => equals >= 0 && word.AsSpan(equals + 1).ContainsAnyExceptInRange('0', '9'),
            "maintcmds" or "hwinitpcr" or "hwinitpcrs" or "locality" => equals >= 0,
            _ => false,
        };
    }

    /// <exception cref="VtpmArgumentException">One is unknown or malformed.</exception>
    public static VtpmArguments Parse(IEnumerable<string> arguments)
    {
        var result = new VtpmArguments();
        foreach (string argument in arguments) result = result.With(argument);
        return result;
    }

    private VtpmArguments With(string argument)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? argument : argument[..equals];
        string? value = equals < 0 ? null : argument[(equals + 1)..];
        return (name, value) switch
        {
            ("clear", null) => this with { Startup = TpmStartupType.Clear },
            ("save", null) => this with { Startup = TpmStartupType.State },
            ("deactivated", null) => this with { Startup = TpmStartupType.Deactivated },
            ("loglevel", _) => this with { LogLevel = ParseLogLevel(argument, value) },
            ("maintcmds", _) => this with { MaintenanceCommands = ParseSwitch(argument, value) },
            // The original's manual spells it both ways.
            ("hwinitpcr" or "hwinitpcrs", _) => this with { HardwarePcrs = new SortedSet<int>(HardwarePcrs.Union(ParsePcrs(argument, value))) },
            ("locality", _) => this with { Localities = Localities.With(argument, value ?? "") },
            _ => throw new VtpmArgumentException($"'{argument}' is not an argument of a vTPM; known are {Known}"),
        };
    }

    private static VtpmLogLevel ParseLogLevel(string argument, string? value) => value switch
    {
        "error" => VtpmLogLevel.Error,
        "info" => VtpmLogLevel.Info,
        "debug" => VtpmLogLevel.Debug,
        _ => throw new VtpmArgumentException($"'{argument}': write loglevel=error, loglevel=info or loglevel=debug"),
    };

    private static bool ParseSwitch(string argument, string? value) => value switch
    {
        "1" => true,
        "0" => false,
        _ => throw new VtpmArgumentException($"'{argument}': write maintcmds=1 or maintcmds=0"),
    };

    private static IEnumerable<int> ParsePcrs(string argument, string? value)
    {
        if (string.IsNullOrEmpty(value)) throw Malformed(argument);
        return value.Split(',').SelectMany(part => ParseRange(argument, part));
    }

    private static IEnumerable<int> ParseRange(string argument, string part)
    {
        if (part == "all") return Enumerable.Range(0, PcrBank.Count);
        if (part == "none") return [];
        string[] ends = part.Split('-');
        if (ends.Length > 2) throw Malformed(argument);
        int first = ParsePcr(argument, ends[0]);
        int last = ParsePcr(argument, ends[^1]);
        // The original swaps the ends of a range that runs backwards.
        (first, last) = (Math.Min(first, last), Math.Max(first, last));
        return Enumerable.Range(first, last - first + 1);
    }

    private static int ParsePcr(string argument, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int pcr) && pcr < PcrBank.Count
            ? pcr
            : throw new VtpmArgumentException($"'{argument}': '{text}' is not a PCR; there are 0 to {PcrBank.Count - 1}");

    private static VtpmArgumentException Malformed(string argument) =>
        new($"'{argument}': write hwinitpcr=all, hwinitpcr=none, or PCRs and ranges such as hwinitpcr=0-3,5");
}
