using System.CommandLine;
using System.CommandLine.Parsing;
using Vtpm.Boot;

namespace Vtpm.Cli;

/// <summary><c>vtpm bootloader</c>: a bootloader= of xl, in the place of pygrub.</summary>
internal static class BootloaderCommand
{
    /// <summary>The name that xl calls: it gives its own arguments first, and a verb would have no place.</summary>
    public const string Program = "vtpm-bootloader";

    public const string Verb = "bootloader";

    private const string Description = """
        Takes a guest's kernel, initrd and command line from the guest's own disk, measures them, and gives them to xl: for bootloader=, in the place of
        pygrub, for PV and PVH guests. The disk is read without the kernel's drivers: partitions, ext2 to ext4, grub.cfg, the Boot Loader Specification,
        or the links vmlinuz and initrd.img. Xl calls it at every start of the guest, reboots included.

        Examples, in an xl configuration (vtpm-bootloader is a link to vtpm):
          bootloader="/usr/sbin/vtpm-bootloader"
          bootloader_args=["--uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10"]
          vtpm=["backend=0,uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10"]
              What the menu's default is; kernel= and ramdisk= name other files of the guest's disk, and extra= adds to the command line.
          bootloader_args=["--uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10", "--partition=2", "--entry=1>0"]
              Another entry, of a certain partition.
          bootloader_args=["--uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10", "--max-ramdisk=512"]
              A guest with a large initrd.
        """;

    public static Command Create()
    {
        var kernel = Text("--kernel", "The kernel's path on the guest's disk (kernel=).", "PATH");
        var ramdisk = Text("--ramdisk", "The initrd's path there (ramdisk=).", "PATH");
        var args = Text("--args", "More arguments of the kernel (extra=).", "TEXT");
        var output = Text("--output", "Where xl looks for the answer.", "FILE");
        output.Required = true;
        var format = Text("--output-format", "Its form; there is one.", "simple0");
        var folder = Text("--output-directory", "Where xl looks for the files.", "FOLDER");
        folder.Required = true;
        var uuid = new Option<Guid>("--uuid") { Description = "The guest's vTPM, as vtpm=[...] has it.", HelpName = "UUID", Required = true };
        var backend = Text("--backend", $"The control socket of 'vtpm tpmback'. [default: unix:{BackendControl.DefaultPath}]", "ADDRESS");
        var entry = Text("--entry", "Which entry of the menu, by number, title or id.", "ENTRY");
        var partition = new Option<int?>("--partition") { Description = "The partition's number, such as 1 for xvda1; 0 for none.", HelpName = "N" };
        var disk = new Argument<string>("disk") { Description = "The guest's disk." };
        var limits = new BootloaderLimits();
        // Xl's restricted mode gives these two.
        var user = new Option<string>("--runas") { Hidden = true };
        var quiet = new Option<bool>("--quiet") { Hidden = true };
        var command = new Command(Verb, Description)
            { kernel, ramdisk, args, output, format, folder, uuid, backend, entry, partition, limits.Kernel, limits.Ramdisk, user, quiet, disk };
        command.SetAction(result =>
        {
            if (result.GetValue(user) is not null)
                throw new CommandException(
                    "xl asks for another user than root (bootloader_restrict=1, or LIBXL_BOOTLOADER_RESTRICT in its environment), who could not ask the backend: leave that off");
            if (result.GetValue(format) is { } asked and not "simple0") throw new UsageException($"--output-format {asked}: only simple0 is known");
            var choice = new BootChoice(result.GetValue(kernel), result.GetValue(ramdisk), result.GetValue(entry), result.GetValue(partition));
            string socket = MeasureCommand.ControlSocket(result.GetValue(backend)) ?? BackendControl.DefaultPath;
            BootSize most = limits.Read(result);
            using GuestDisk guest = GuestDisk.Open(result.GetRequiredValue(disk), most.MostRead);
            FoundBoot found = BootSearch.Find(guest, choice);
            Log.Line(BootException.Printable($"vtpm-bootloader: '{found.Entry.Title}' of {found.Where}: {found.Entry.Kernel} {string.Join(' ', found.Entry.Initrds)}"));
            limits.Check(GuestBoot.SizeOf(found), most, result.GetRequiredValue(folder));
            using var answer = new BootloaderOutput(result.GetRequiredValue(output), result.GetRequiredValue(folder));
            MeasuredBoot measured = answer.Take(found, result.GetValue(args) ?? "", most);
            BackendControl.Leave(socket, result.GetRequiredValue(uuid), measured.Measurements);
            answer.Write();
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Option<string> Text(string name, string description, string helpName) => new(name) { Description = description, HelpName = helpName };
}
