using System.CommandLine;
using Vtpm.Boot;
using Vtpm.Xen;

namespace Vtpm.Cli;

/// <summary><c>vtpm boot</c>: what the measured boot domain runs, before the guest and in its place.</summary>
internal static class BootCommand
{
    private const string Description = """
        Starts the system of this domain's disk, measured into its vTPM, in the place of the running kernel (kexec). It is what the image vtpm-boot runs
        in an HVM guest whose configuration names that image as its ramdisk=; there the arguments stand in extra=.

        boot-disk=xvda, boot-partition=N, boot-entry=ENTRY; or boot-kernel=PATH, boot-initrd=PATH; boot-root=DEVICE and boot-args="..." add to the command
        line. With vtpm-label=LABEL (or the end of one, *END) the guest is started only where the domain of that XSM label has its vTPM.

        Examples, in an xl configuration:
          type="hvm"
          kernel="/usr/lib/vtpm/vmlinuz"
          ramdisk="/usr/lib/vtpm/vtpm-boot.img"
          extra="console=hvc0 vtpm-label=*:vtpm_t"
        """;

    public static Command Create()
    {
        var words = new Argument<string[]>("argument") { Description = "boot-...= and vtpm-label=.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("boot", Description) { words };
        command.SetAction(result =>
        {
            var log = new Log("BOOT");
            new BootDomain(new LinuxKernelStarter(), OpenTpm, log.Info).Boot(BootDomainArguments.Parse(result.GetValue(words) ?? []));
            return (int)ExitCode.Failed;
        });
        return command;
    }

    private static BootTpm OpenTpm()
    {
        Tpmfront front = Tpmfront.Open(LinuxXenHost.Open(), ownsHost: true);
        return new BootTpm(front, front.BackendLabel);
    }
}
