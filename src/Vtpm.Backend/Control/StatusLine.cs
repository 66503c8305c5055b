using System.Globalization;
using Vtpm.Storage;

namespace Vtpm.Backend;

/// <summary>A guest's vTPM as a line of the control socket: words with names, the fault last, since it has blanks.</summary>
public static class StatusLine
{
    private const string Head = "vtpm ";
    private const string Fault = " fault=";

    public static string Format(GuestStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        string fault = status.Fault.ReplaceLineEndings(" ");
        string line = string.Create(CultureInfo.InvariantCulture,
            $"{Head}uuid={status.Uuid:D} domain={status.Domain} state={status.State} since={status.Since:O} process={status.Process} restarts={status.Restarts}");
        return $"{line} boot={status.Boot?.ToString() ?? "-"}{Fault}{fault}";
    }

    /// <returns>Null for a line that is none, or of another version.</returns>
    public static GuestStatus? Parse(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        int fault = line.IndexOf(Fault, StringComparison.Ordinal);
        if (!line.StartsWith(Head, StringComparison.Ordinal) || fault < 0) return null;
        var words = new Dictionary<string, string>();
        foreach (string word in line[Head.Length..fault].Split(' '))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) words[word[..equals]] = word[(equals + 1)..];
        }

        string Word(string name) => words.GetValueOrDefault(name, "");
        bool isWhole = Guid.TryParse(Word("uuid"), out Guid uuid)
            & uint.TryParse(Word("domain"), CultureInfo.InvariantCulture, out uint domain)
            & Enum.TryParse(Word("state"), out GuestState state)
            & DateTimeOffset.TryParse(Word("since"), CultureInfo.InvariantCulture, out DateTimeOffset since)
            & int.TryParse(Word("process"), CultureInfo.InvariantCulture, out int process)
            & int.TryParse(Word("restarts"), CultureInfo.InvariantCulture, out int restarts);
        if (!isWhole) return null;
        return new GuestStatus
        {
            Uuid = uuid,
            Domain = domain,
            State = state,
            Since = since,
            Process = process,
            Restarts = restarts,
            Boot = Enum.TryParse(Word("boot"), out BootOrigin boot) ? boot : null,
            Fault = line[(fault + Fault.Length)..],
        };
    }
}
