using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>What the kernel lists under /sys/class/tpm, in a folder made like it.</summary>
public sealed class KernelTpmTests : IDisposable
{
    private readonly DirectoryInfo _sys = Directory.CreateTempSubdirectory("vtpm-sys-");

    private string Folder => Path.Combine(_sys.FullName, "class", "tpm");

    public void Dispose() => _sys.Delete(recursive: true);

    [Fact]
    public void List_WithoutAnyTpm_IsEmpty()
    {
        Assert.Empty(KernelTpm.List(Folder));
        Directory.CreateDirectory(Folder);
        Assert.Empty(KernelTpm.List(Folder));
    }

    [Fact]
    public void List_NamesDriversAndBuses()
    {
        Add("tpm1", "vtpm-0", "xen", "vtpm");
        Add("tpm0", "00:05", "pnp", "tpm_tis");
        Assert.Equal([new KernelTpm("tpm0", "tpm_tis", "pnp", "00:05"), new KernelTpm("tpm1", "vtpm", "xen", "vtpm-0")], KernelTpm.List(Folder));
        Assert.Equal(["/dev/tpm1"], KernelTpm.List(Folder).Where(tpm => tpm.IsXenFrontend).Select(tpm => tpm.DevicePath));
    }

    [Fact]
    public void FindXenFrontend_FindsItBehindAnotherTpm()
    {
        Add("tpm0", "00:05", "pnp", "tpm_tis");
        var e = Assert.Throws<TpmTransportException>(() => KernelTpm.FindXenFrontend(Folder));
        Assert.Equal(TpmTransportFault.Unavailable, e.Fault);
        Assert.Contains("xen-tpmfront", e.Message, StringComparison.Ordinal);
        Add("tpm1", "vtpm-0", "xen", "vtpm");
        Assert.Equal("/dev/tpm1", KernelTpm.FindXenFrontend(Folder).DevicePath);
    }

    [Fact]
    public void List_OfADeviceWithoutADriver_LeavesThatEmpty()
    {
        Add("tpm0", "MSFT0101:00", "acpi", null);
        Directory.CreateDirectory(Path.Combine(Folder, "tpm1"));
        Assert.Equal([new KernelTpm("tpm0", "", "acpi", "MSFT0101:00"), new KernelTpm("tpm1", "", "", "")], KernelTpm.List(Folder));
    }

    /// <summary>
    /// As sysfs has it: the class holds a link to the TPM, which has a link to its device, which has links to its driver and its bus.
    /// </summary>
    private void Add(string name, string device, string bus, string? driver)
    {
        string devices = Path.Combine(_sys.FullName, "devices", device);
        string tpm = Path.Combine(devices, "tpm", name);
        Directory.CreateDirectory(tpm);
        Directory.CreateDirectory(Folder);
        File.CreateSymbolicLink(Path.Combine(tpm, "device"), $"../../../{device}");
        File.CreateSymbolicLink(Path.Combine(devices, "subsystem"), $"../../bus/{bus}");
        if (driver is not null) File.CreateSymbolicLink(Path.Combine(devices, "driver"), $"../../bus/{bus}/drivers/{driver}");
        File.CreateSymbolicLink(Path.Combine(Folder, name), $"../../devices/{device}/tpm/{name}");
    }
}
