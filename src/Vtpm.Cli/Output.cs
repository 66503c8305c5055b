using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Vtpm.Cli;

/// <summary>What a command has to say: text for people, or JSON for programs.</summary>
internal static class Output
{
    private static readonly JsonWriterOptions Form = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>For a command and those below it.</summary>
    public static Option<bool> Json { get; } = new("--json") { Description = "Print JSON, for programs.", Recursive = true };

    /// <summary>Prints one JSON object.</summary>
    public static void WriteObject(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Form))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        Log.Line(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>Writes a list of values by their text.</summary>
    public static void WriteList<T>(this Utf8JsonWriter json, string name, IEnumerable<T> values)
        where T : notnull
    {
        json.WriteStartArray(name);
        foreach (T value in values) json.WriteStringValue(value.ToString());
        json.WriteEndArray();
    }
}
