using System.Globalization;

namespace Vtpm.Confinement;

/// <summary>
/// Users and groups for confined processes, which need no entry in /etc/passwd: each running process has one of its own. Such a user owns no file, so
/// that it may be another's after the process has ended.
/// </summary>
/// <remarks>
/// The default lies where neither Debian's users (up to 65,534), subordinate ones for containers (100,000 to 600,100,000) nor systemd's (524,288 to
/// 1,879,048,191, and from 2,147,352,576) are.
/// </remarks>
public sealed class SandboxUserRange
{
    private readonly uint _first;
    private readonly uint _last;
    private readonly HashSet<uint> _taken = [];

    private SandboxUserRange(uint first, uint last) => (_first, _last) = (first, last);

    public static string Default => "2000000000-2000065535";

    /// <summary>Reads <c>FIRST-LAST</c>.</summary>
    /// <exception cref="FormatException">It is none, or has root in it.</exception>
    public static SandboxUserRange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] ends = text.Split('-');
        if (ends.Length == 2 && Number(ends[0]) is { } first && Number(ends[1]) is { } last && first <= last && first > 0 && last < uint.MaxValue)
            return new SandboxUserRange(first, last);
        throw new FormatException($"'{text}' is no range of users: write FIRST-LAST, such as {Default}");
    }

    /// <summary>A user that no other process of this range has.</summary>
    /// <exception cref="ConfinementException">All are taken.</exception>
    public SandboxUser Take()
    {
        for (uint user = _first; user <= _last; user++)
        {
            if (_taken.Add(user)) return SandboxUser.Of(user, user);
        }

        throw new ConfinementException($"all users of {this} are taken: there are more vTPMs than users; name a wider range");
    }

    /// <summary>Gives it back, when its process has ended.</summary>
    public void Return(SandboxUser user) => _taken.Remove(user.Uid);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_first}-{_last}");

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;
}
