using System.Globalization;
using Vtpm.Storage;

namespace Vtpm.Manager;

/// <summary>
/// What to do with an image that is not the newest: refuse it, or take it if the administrator has named it. The name says which save it is and what
/// the hardware counter stands at, so that it fits once and no other image, wherever it may be left standing.
/// </summary>
internal sealed class RestoredImage(ManagerImage image, ManagerLog log, string? accepted)
{
    public bool IsAccepted { get; private set; }

    /// <exception cref="ManagerException">It was not accepted; the message says what the choices are.</exception>
    public void Judge(string fault, uint? counter)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{image.Sequence}@{counter?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
        if (accepted == name)
        {
            IsAccepted = true;
            log.Warn(
                $"ACCEPTED AS RESTORED, as was asked for: {fault}. Save {image.Sequence} counts from now on, bound to counter value {image.CounterValue} before; every later save of this image is refused. "
                + "A vTPM whose state was saved since will not find its key, and says so");
            return;
        }

        string wrong = accepted is null ? "" : $" (--accept-restored {accepted} names another image, or one that was accepted before)";
        throw new ManagerException(
            $"the manager's image is refused: {fault}{wrong}. It is save {image.Sequence}, of counter value {image.CounterValue}. Nothing was changed. Choices: put the newest image back; or, if this is a backup that you have restored and nothing newer is left, start once with --accept-restored {name}");
    }

    /// <summary>Says that what was to be accepted needs it not.</summary>
    public void SayIfUnused()
    {
        if (accepted is not null && !IsAccepted) log.Info($"--accept-restored {accepted}: there is nothing to accept, the image is the newest");
    }
}
