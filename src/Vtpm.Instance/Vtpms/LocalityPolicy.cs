using System.Collections.Immutable;
using System.Globalization;

namespace Vtpm.Instance;

/// <summary>
/// Which client may send at which locality: <c>locality=LABEL=N[,N...]</c> of Xen's vtpm-stubdom. A label is compared whole, or by its end when it
/// is written with a star in front. Without any such argument every client may use every locality.
/// </summary>
public sealed class LocalityPolicy
{
    private const int MaxEntries = 16;
    private const int Localities = 256;

    private readonly ImmutableArray<(string Label, ImmutableHashSet<int> Localities)> _entries;

    private LocalityPolicy(ImmutableArray<(string Label, ImmutableHashSet<int> Localities)> entries) => _entries = entries;

    public static LocalityPolicy Any { get; } = new([]);

    /// <summary>Whether a client of this label may send at this locality; the first entry that matches the label decides.</summary>
    public bool Allows(string label, int locality)
    {
        if (_entries.IsEmpty) return true;
        foreach ((string pattern, ImmutableHashSet<int> localities) in _entries)
        {
            bool matches = pattern.StartsWith('*') ? label.EndsWith(pattern[1..], StringComparison.Ordinal) : label == pattern;
            if (matches) return localities.Contains(locality);
        }

        return false;
    }

    /// <exception cref="VtpmArgumentException">The value is malformed, or there are too many.</exception>
    internal LocalityPolicy With(string argument, string value)
    {
        // An XSM label has colons and no equals sign.
        int equals = value.LastIndexOf('=');
        if (equals <= 0 || equals == value.Length - 1)
            throw new VtpmArgumentException($"'{argument}': write locality=LABEL=N or locality=LABEL=N,N,... (a label may begin with a star)");
        if (_entries.Length >= MaxEntries) throw new VtpmArgumentException($"'{argument}': there may be {MaxEntries} locality arguments and this is one more");
        ImmutableHashSet<int> localities = [.. value[(equals + 1)..].Split(',').Select(text => ParseLocality(argument, text))];
        return new(_entries.Add((value[..equals], localities)));
    }

    private static int ParseLocality(string argument, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int locality) && locality < Localities
            ? locality
            : throw new VtpmArgumentException($"'{argument}': '{text}' is not a locality; there are 0 to {Localities - 1}");
}
