using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>How much a confined process can take of the machine.</summary>
internal static class ResourceLimits
{
    private const int Data = 2;
    private const int Core = 4;
    private const int Processes = 6;
    private const int Descriptors = 7;
    private const int MessageQueues = 12;
    private const int Nice = 13;
    private const int RealTimePriority = 14;

    /// <summary>
    /// Memory that can be written. A vTPM takes a tenth of it, most of that the stacks of its threads, which have eight megabytes each of which little is
    /// ever used.
    /// </summary>
    private const ulong MostData = 256UL << 20;

    /// <summary>Threads and processes of the user: a vTPM has four threads, and six for a moment.</summary>
    private const ulong MostProcesses = 64;

    /// <summary>A server has 64 clients at the most.</summary>
    private const ulong MostDescriptors = 128;

    /// <summary>Lowers the limits, for good; one that is lower already stays.</summary>
    public static void Apply()
    {
        Lower(Data, MostData);
        Lower(Core, 0);     // a core dump holds the keys
        Lower(Processes, MostProcesses);
        Lower(Descriptors, MostDescriptors);
        Lower(MessageQueues, 0);
        Lower(Nice, 0);
        Lower(RealTimePriority, 0);
    }

    private static void Lower(int resource, ulong most)
    {
        if (LinuxSecurity.GetLimit(resource, out LinuxSecurity.ResourceLimit limit) != 0) throw Refused(resource);
        limit.Hard = Math.Min(limit.Hard, most);
        limit.Soft = limit.Hard;
        if (LinuxSecurity.SetLimit(resource, limit) != 0) throw Refused(resource);
    }

    private static ConfinementException Refused(int resource) => new($"limit {resource} cannot be lowered", Marshal.GetLastPInvokeError());
}
