using System.Globalization;

namespace Vtpm.Xen.Hostile;

/// <summary>
/// A guest that breaks every rule of its vTPM device, on a real Xen. It drives the device itself: xen-evtchn and xen-gntalloc are loaded there, and
/// xen-tpmfront is not.
/// <code>
/// vtpm-hostile list                     the attacks, one a line: NAME, what the backend is to do (serves or closes), what it is
/// vtpm-hostile ask [DEVICE]             an honest request; ends with 0 when it is answered with success
/// vtpm-hostile NAME [DEVICE [SECONDS]]  one attack on device/vtpm/DEVICE (0), for so long if it can go on (5)
/// vtpm-hostile all [DEVICE [SECONDS]]   all after which the backend is to serve this frontend on
/// vtpm-hostile leave [DEVICE]           puts a request there and goes without a word
/// </code>
/// Ends with 0 when the backend did what it is to do: after "serves" an honest request has been answered, after "closes" the device is closed, and
/// the toolstack has to give another (xl vtpm-detach, vtpm-attach). What the other guests notice is for others to see.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is ["list"])
        {
            foreach (Attack attack in Attack.All) Console.WriteLine($"{attack.Name} {(attack.Closes ? "closes" : "serves")} {attack.What}");
            return 0;
        }

        if (args.Length is 0 or > 3 || !Number(args, 1, 0, out uint device) || !Number(args, 2, 5, out uint seconds)) return Usage();
        LinuxXenHost? host = null;
        if (!Report("Xen", () => host = LinuxXenHost.Open())) return 1;
        using LinuxXenHost opened = host!;
        return Run(args[0], new HostileFrontend(opened, device, patience: TimeSpan.FromMinutes(2)), TimeSpan.FromSeconds(seconds));
    }

    private static int Run(string name, HostileFrontend front, TimeSpan time)
    {
        Attack[] attacks = [.. Attack.All.Where(attack => name == "all" ? !attack.Closes : attack.Name == name)];
        return name switch
        {
            "ask" => Report("ask", front.Ask) ? 0 : 1,
            "leave" => Report("leave", () => Leave(front)) ? 0 : 1,
            _ when attacks.Length > 0 => Make(attacks, front, time) ? 0 : 1,
            _ => Usage(),
        };
    }

    private static bool Make(Attack[] attacks, HostileFrontend front, TimeSpan time)
    {
        bool all = true;
        foreach (Attack attack in attacks) all &= Report(attack.Name, () => attack.Make(front, time));
        return all;
    }

    private static void Leave(HostileFrontend front)
    {
        front.Open();
        front.Put(HostileFrontend.Command);
        front.State = HostileFrontend.Submit;
        front.Kick();
        Environment.Exit(0);
    }

    private static bool Report(string name, Action action)
    {
        try
        {
            action();
            Console.WriteLine($"{name}: as it is to be");
            return true;
        }
        catch (Exception e) when (e is AttackException or IOException)
        {
            Console.WriteLine($"{name}: {e.Message}");
            return false;
        }
    }

    private static bool Number(string[] args, int index, uint otherwise, out uint number)
    {
        number = otherwise;
        return index >= args.Length || uint.TryParse(args[index], NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static int Usage()
    {
        Console.Error.WriteLine("write vtpm-hostile list, or ask, leave, all or an attack's name, then the device's number and seconds");
        return 2;
    }
}
