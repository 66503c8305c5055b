namespace Vtpm.Boot;

/// <summary>One entry of <c>vtpm=[ ... ]</c>.</summary>
/// <param name="Backend">The domain that has the vTPM, by its name or number.</param>
/// <param name="Uuid">Which vTPM; null where the toolstack is to make one up at every start.</param>
public sealed record XlVtpm(string Backend, Guid? Uuid)
{
    /// <summary>Whether the backend is dom0.</summary>
    public bool IsInDom0 => Backend is "0" or "Domain-0";

    internal static XlVtpm Parse(string text)
    {
        string? backend = null;
        Guid? uuid = null;
        // As in C's strtok, empty parts are none.
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = part.TrimStart(' ').Split('=', 2);
            switch (sides)
            {
                case ["backend", var name]:
                    backend = name;
                    break;
                case ["uuid", var value]:
                    uuid = Guid.TryParseExact(value, "D", out Guid parsed) ? parsed : throw new BootException($"vtpm=[\"{text}\"]: {value} is not a uuid");
                    break;
                default:
                    throw new BootException($"vtpm=[\"{text}\"]: '{part}' is neither backend=DOMAIN nor uuid=UUID");
            }
        }

        // To the toolstack, a uuid of zeroes is none.
        return new XlVtpm(backend ?? throw new BootException($"vtpm=[\"{text}\"] lacks backend=DOMAIN"), uuid == Guid.Empty ? null : uuid);
    }
}
