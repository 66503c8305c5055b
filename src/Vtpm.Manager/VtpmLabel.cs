using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// Labels of vTPMs that have no XSM label: they say which way a vTPM came in by. A group's kernel list has a label's SHA-1, or that of the form which
/// stands for every uuid. See ADR 16.
/// </summary>
public static class VtpmLabel
{
    /// <summary>Every vTPM that has a socket of its own.</summary>
    public const string AnyOnSocket = Any + SocketRole;

    /// <summary>Every vTPM that a backend domain's service has introduced.</summary>
    public const string AnyOfHost = Any + HostRole;

    /// <summary>Every vTPM that is another domain, on Xen without XSM.</summary>
    public const string AnyOnXen = Any + XenRole;

    private const string Any = "*:";
    private const string SocketRole = "vtpm:socket";
    private const string HostRole = "vtpm:host";
    private const string XenRole = "vtpm:xen";

    /// <summary>More than Xen gives.</summary>
    private const int Longest = 1024;

    /// <summary>The labels that stand for every vTPM of one way, with what they say to people.</summary>
    internal static IReadOnlyDictionary<string, string> Anys { get; } = new Dictionary<string, string>
    {
        [AnyOnSocket] = "every vTPM on a socket",
        [AnyOfHost] = "every vTPM that the backend domain introduces",
        [AnyOnXen] = "every vTPM that is a domain without an XSM label",
    };

    public static string OnSocket(Guid uuid) => $"{uuid:D}:{SocketRole}";

    public static string OfHost(Guid uuid) => $"{uuid:D}:{HostRole}";

    public static string OnXen(Guid uuid) => $"{uuid:D}:{XenRole}";

    /// <summary>The label with "*" for all before its first ':', by which a group admits all labels that end so; null where there is no such form.</summary>
    internal static string? Wildcard(string label)
    {
        int colon = label.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 ? "*" + label[colon..] : null;
    }

    /// <summary>Whether that can be an XSM label: such a one has no spaces, and nothing that would make another line of the log.</summary>
    internal static bool IsSane(string label) => label.Length is > 0 and <= Longest && label.All(static c => c is > ' ' and <= '~');

    /// <summary>Whether it is of those that only this manager gives.</summary>
    internal static bool IsReserved(string label) => Wildcard(label) is { } wildcard && Anys.ContainsKey(wildcard);
}
