using System.Collections.Immutable;

namespace Vtpm.Boot;

/// <summary>A value of a configuration: a text, or a list of values.</summary>
/// <param name="Text">Of a number or a string; null for a list.</param>
/// <param name="Items">Of a list.</param>
/// <param name="Line">Where it stands.</param>
internal sealed record XlValue(string? Text, ImmutableArray<XlValue> Items, int Line);
