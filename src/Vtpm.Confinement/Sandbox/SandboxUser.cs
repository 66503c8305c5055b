using System.Globalization;

namespace Vtpm.Confinement;

/// <summary>The user and group that a confined process runs as, with no other group.</summary>
public readonly record struct SandboxUser
{
    private SandboxUser(uint uid, uint gid) => (Uid, Gid) = (uid, gid);

    public uint Uid { get; }

    public uint Gid { get; }

    /// <exception cref="FormatException">The number is root's, or no user's at all.</exception>
    public static SandboxUser Of(uint uid, uint gid)
    {
        if (uid == 0 || gid == 0) throw new FormatException("root, or its group, is no confinement: name a user of the vTPM's own");
        if (uid == uint.MaxValue || gid == uint.MaxValue) throw new FormatException($"{uint.MaxValue} is no user's number");
        return new SandboxUser(uid, gid);
    }

    /// <summary>
    /// Reads <c>USER[:GROUP]</c>, each a name or a number. Without a group it is the user's own: that of a name is looked up, that of a number is the
    /// same number.
    /// </summary>
    /// <remarks>Names are those of /etc/passwd and /etc/group; what a directory service knows has to be written as a number.</remarks>
    /// <exception cref="FormatException">There is no such user or group, or it is root.</exception>
    public static SandboxUser Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string user = colon < 0 ? text : text[..colon];
        uint? uid = Number(user), gid = uid;
        if (uid is null)
        {
            string[] entry = Find("/etc/passwd", user, fields: 4)
                ?? throw new FormatException($"there is no user '{user}' in /etc/passwd; write one that is there, or a number, such as 2000000000");
            (uid, gid) = (Number(entry[2]), Number(entry[3]));
        }

        if (colon >= 0)
        {
            string group = text[(colon + 1)..];
            gid = Number(group) ?? Number(Find("/etc/group", group, fields: 3)?[2]
                ?? throw new FormatException($"there is no group '{group}' in /etc/group; write one that is there, or a number"));
        }

        return uid is { } u && gid is { } g ? Of(u, g) : throw new FormatException($"'{text}': its numbers in /etc/passwd or /etc/group are none");
    }

    /// <summary>The form that <see cref="Parse"/> reads.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Uid}:{Gid}");

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    private static string[]? Find(string path, string name, int fields)
    {
        try
        {
            return File.ReadLines(path).Select(line => line.Split(':')).FirstOrDefault(entry => entry.Length >= fields && entry[0] == name);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"the name '{name}' cannot be looked up ({exception.Message}); write its number", exception);
        }
    }
}
