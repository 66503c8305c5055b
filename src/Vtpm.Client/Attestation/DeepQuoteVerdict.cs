using System.Text.Json;

namespace Vtpm.Client.Attestation;

/// <summary>What became of a statement.</summary>
public enum DeepQuoteResult
{
    /// <summary>It holds, and the signature covers it.</summary>
    Shown,

    /// <summary>The evidence does not say it.</summary>
    NotShown,

    /// <summary>The verifier stated nothing to check it against.</summary>
    NotChecked,

    /// <summary>It does not hold.</summary>
    Wrong,
}

/// <summary>One thing about the evidence.</summary>
/// <param name="Subject">What it is about: a name for programs, listed in docs/deep-quotes.md.</param>
/// <param name="Result">What became of it.</param>
/// <param name="IsRequired">Whether the verifier asked for it.</param>
/// <param name="Detail">The same for people.</param>
public sealed record DeepQuoteStatement(string Subject, DeepQuoteResult Result, bool IsRequired, string Detail)
{
    /// <summary>Whether this alone refuses the evidence.</summary>
    public bool Fails => Result == DeepQuoteResult.Wrong || (IsRequired && Result != DeepQuoteResult.Shown);

    /// <summary>For people and programs: shown, not shown, not checked, WRONG.</summary>
    public string ResultText => Result switch
    {
        DeepQuoteResult.Shown => "shown",
        DeepQuoteResult.NotShown => "not shown",
        DeepQuoteResult.NotChecked => "not checked",
        _ => "WRONG",
    };
}

/// <summary>What a verifier has found, a statement for each thing that evidence can be about.</summary>
public sealed record DeepQuoteVerdict(IReadOnlyList<DeepQuoteStatement> Statements)
{
    /// <summary>Whether everything that the verifier asked for is shown, and nothing is wrong.</summary>
    public bool Holds => Statements.Count > 0 && !Statements.Any(statement => statement.Fails);

    public DeepQuoteStatement this[string subject] => Statements.Single(statement => statement.Subject == subject);

    /// <summary>The verdict on bytes that are no evidence.</summary>
    public static DeepQuoteVerdict OfUnreadable(DeepQuoteFormatException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new([new DeepQuoteStatement("format", DeepQuoteResult.Wrong, true, $"this is no evidence: {exception.Message}")]);
    }

    /// <summary>Lines for people.</summary>
    public IEnumerable<string> ToLines() =>
    [
        .. Statements.Select(statement => $"{statement.ResultText,-12} {statement.Subject,-16} {statement.Detail}"),
        Holds ? "the evidence shows everything that was asked for" : "the evidence is REFUSED",
    ];

    /// <summary>For programs; described in docs/deep-quotes.md.</summary>
    public byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", 1);
            json.WriteBoolean("holds", Holds);
            json.WriteStartArray("statements");
            foreach (DeepQuoteStatement statement in Statements)
            {
                json.WriteStartObject();
                json.WriteString("subject", statement.Subject);
                json.WriteString("result", statement.ResultText);
                json.WriteBoolean("required", statement.IsRequired);
                json.WriteString("detail", statement.Detail);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
