using System.Globalization;
using Vtpm.Backend;
using Vtpm.Storage;

namespace Vtpm.Cli;

/// <summary>The vTPMs of a backend domain, for people or programs.</summary>
internal static class GuestReport
{
    public static void Show(IReadOnlyList<GuestStatus> guests, bool json)
    {
        if (json)
        {
            Output.WriteObject(writer =>
            {
                writer.WriteStartArray("vtpms");
                foreach (GuestStatus guest in guests)
                {
                    writer.WriteStartObject();
                    writer.WriteString("uuid", guest.Uuid);
                    writer.WriteNumber("domain", guest.Domain);
                    writer.WriteString("state", Word(guest.State));
                    writer.WriteString("since", guest.Since);
                    writer.WriteNumber("process", guest.Process);
                    writer.WriteNumber("restarts", guest.Restarts);
                    writer.WriteString("boot", guest.Boot is { } boot ? Word(boot) : null);
                    writer.WriteString("fault", guest.Fault);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            });
            return;
        }

        if (guests.Count == 0) Log.Line("No guest has a vTPM here.");
        foreach (GuestStatus guest in guests)
        {
            string process = guest.Process == 0 ? "no process" : string.Create(CultureInfo.InvariantCulture, $"process {guest.Process}");
            string since = guest.Since.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            Log.Line(string.Create(CultureInfo.InvariantCulture, $"{guest.Uuid}  domain {guest.Domain}: {Word(guest.State)} since {since}, {process}, restarts: {guest.Restarts}"));
            Log.Line($"    {OfTheBoot(guest.Boot)}");
            if (guest.Fault.Length > 0) Log.Line($"    last fault: {guest.Fault}");
        }
    }

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string OfTheBoot(BootOrigin? boot) => boot switch
    {
        BootOrigin.Whole => "has the record of the guest's boot",
        BootOrigin.Attached => "HAS NO RECORD OF THE GUEST'S BOOT: it was attached when the guest ran already, and its PCRs are the guest's word alone",
        BootOrigin.Lost => "HAS LOST THE RECORD OF THE GUEST'S BOOT: nothing opens that depends on it until the guest is restarted",
        BootOrigin.Unknown => "has a record since it was attached; whether the guest ran before, only dom0 is told",
        _ => "has not started yet",
    };
}
