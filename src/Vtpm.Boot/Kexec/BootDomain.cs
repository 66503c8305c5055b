using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Boot;

/// <summary>This domain's vTPM, as its boot uses it.</summary>
/// <param name="Link">The link; closing it leaves the device to the kernel that starts.</param>
/// <param name="Label">The XSM label of the domain that has the vTPM; null where there is none to be known.</param>
public sealed record BootTpm(ITpmConnection Link, string? Label);

/// <summary>
/// The measured boot domain, in pv-grub's place: takes kernel, initrd and command line from the guest's own disk, once, loads that copy, measures it
/// into the domain's vTPM, and starts it.
/// </summary>
/// <param name="starter">Starts the guest's kernel.</param>
/// <param name="openTpm">Connects this domain's vTPM; throws <see cref="TpmTransportException"/> where there is none.</param>
/// <param name="log">The domain's console.</param>
public sealed class BootDomain(IKernelStarter starter, Func<BootTpm> openTpm, Action<string> log)
{
    /// <summary>Starts the guest. Returns only by an exception: then it must not be started in another way.</summary>
    /// <exception cref="BootException">There is nothing to start, or it is not to be started so.</exception>
    /// <exception cref="TpmException">The vTPM refuses a measurement.</exception>
    public void Boot(BootDomainArguments arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        MeasuredBoot boot = Load(arguments);
        Measure(boot, arguments.Label);
        starter.Start();
    }

    private MeasuredBoot Load(BootDomainArguments arguments)
    {
        using GuestDisk disk = GuestDisk.Open(arguments.Disk, BootSize.Longest.MostRead);
        using FileStream kernel = MemoryFile.Create("kernel"), initrd = MemoryFile.Create("initrd");
        FoundBoot found = BootSearch.Find(disk, arguments.Choice);
        log($"starting '{found.Entry.Title}' of {found.Where}: {found.Entry.Kernel} {string.Join(' ', found.Entry.Initrds)}");
        MeasuredBoot boot = GuestBoot.Take(found, arguments.Arguments, BootSize.Longest, kernel, initrd, out byte[] commandLine);
        kernel.Flush();
        initrd.Flush();
        kernel.Position = initrd.Position = 0;
        starter.Load(kernel, initrd, commandLine);
        return boot;
    }

    private void Measure(MeasuredBoot boot, BootLabel? wanted)
    {
        BootTpm tpm;
        try
        {
            tpm = openTpm();
        }
        catch (TpmTransportException exception) when (wanted is null)
        {
            log($"not measured: {exception.Message}");
            return;
        }

        using (tpm.Link)
        {
            if (wanted is not null && !wanted.Admits(tpm.Label))
                throw new BootException(tpm.Label is null
                    ? $"vtpm-label={wanted.Text}: the hypervisor tells no label of the vTPM's domain (is XSM on?); the guest is not started"
                    : $"vtpm-label={wanted.Text}: the vTPM's domain has the label {tpm.Label}; the guest is not started");
            using var client = new TpmClient(tpm.Link, ownsConnection: false);
            foreach ((int pcr, TpmDigest value) in boot.Extend(client)) log($"PCR {pcr} = {value}");
        }
    }
}
