namespace Vtpm.Transports;

/// <summary>A TPM that a driver of the Linux kernel has, as /sys/class/tpm lists it.</summary>
/// <param name="Name">The name of its character device, such as <c>tpm0</c>.</param>
/// <param name="Driver">The driver; empty when the kernel does not tell.</param>
/// <param name="Bus">The bus that the device is on: <c>pnp</c>, <c>platform</c>, <c>xen</c>; empty when the kernel does not tell.</param>
/// <param name="Device">The device's name on its bus.</param>
public sealed record KernelTpm(string Name, string Driver, string Bus, string Device)
{
    public const string DefaultFolder = "/sys/class/tpm";

    /// <summary>Where programs reach it.</summary>
    public string DevicePath => "/dev/" + Name;

    /// <summary>Whether it is a vTPM of this Xen domain: xen-tpmfront's, whose bus is Xen's.</summary>
    public bool IsXenFrontend => Bus == "xen";

    /// <summary>All of them by name; none where the kernel knows nothing of TPMs.</summary>
    public static IReadOnlyList<KernelTpm> List(string folder = DefaultFolder)
    {
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal).Select(Read)];
    }

    /// <summary>This Xen domain's vTPM.</summary>
    /// <exception cref="TpmTransportException">There is none; the message says what to do.</exception>
    public static KernelTpm FindXenFrontend(string folder = DefaultFolder) =>
        List(folder).FirstOrDefault(tpm => tpm.IsXenFrontend) ?? throw new TpmTransportException(TpmTransportFault.Unavailable,
            "tpmfront: this system has no vTPM of Xen's: give the domain one (vtpm= in its configuration), and load the module xen-tpmfront");

    private static KernelTpm Read(string entry)
    {
        string device = Path.Combine(entry, "device");
        return new KernelTpm(Path.GetFileName(entry), TargetName(Path.Combine(device, "driver")), TargetName(Path.Combine(device, "subsystem")), TargetName(device));
    }

    /// <summary>The last part of what a link leads to: the kernel names by links.</summary>
    private static string TargetName(string link) => Path.GetFileName(new FileInfo(link).LinkTarget ?? "");
}
