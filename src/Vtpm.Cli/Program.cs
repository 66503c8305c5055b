using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using Vtpm.Boot;
using Vtpm.Client;
using Vtpm.Confinement;
using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.Instance;
using Vtpm.Manager;
using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Cli;

internal static class Program
{
    private const string Description = """
        Xen's vTPM system: a TPM 1.2 for every virtual machine, its keys kept by a manager that is rooted in the hardware TPM.

        Exit codes: 0 done, 1 failed, 2 the command line is wrong, 3 refused to start so that no state is lost, 4 something is not to be reached.
        """;

    /// <summary>SIGXFSZ, which the base library has no name for.</summary>
    private const PosixSignal FileSizeExceeded = (PosixSignal)25;

    public static int Main(string[] args)
    {
        OpenSslLibrary.Initialize();
        // The kernel's words are no arguments of ours: a stub domain's are found among them.
        string program = Environment.GetCommandLineArgs()[0];
        if (StubDomains.TryRun(program, Execute)) return (int)ExitCode.Ok;
        return Execute(Path.GetFileName(program) == BootloaderCommand.Program ? [BootloaderCommand.Verb, .. args] : args);
    }

    private static int Execute(string[] args)
    {
        var root = new RootCommand(Description)
        {
            UpCommand.Create(), StatusCommand.Create(), RunCommand.Create(), TpmbackCommand.Create(), ManagerCommand.Create(), ManageCommand.Create(), ApproveCommand.Create(),
            QuoteCommand.Create(), VerifyCommand.Create(), MeasureCommand.Create(), BootloaderCommand.Create(),
            BootCommand.Create(), ImageCommand.Create(), HardwareCommand.Create(), VersionCommand(),
        };
        BriefHelp.Install(root);
        // A token @FILE is a secret's, and not to be unfolded into arguments.
        ParseResult result = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors) Console.Error.WriteLine($"vtpm: {error.Message}");
            Console.Error.WriteLine($"Try '{NameOf(result.CommandResult)} --help'.");
            return (int)ExitCode.Usage;
        }

        // A file that may grow no further is an error to report, as a full disk is, and nothing to die of.
        using var fileTooLarge = PosixSignalRegistration.Create(FileSizeExceeded, context => context.Cancel = true);
        try
        {
            return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception exception) when (ExitCodeOf(exception) is { } code)
        {
            Console.Error.WriteLine($"vtpm: {exception.Message}");
            return (int)code;
        }
    }

    /// <summary>The command with those above it: <c>vtpm manage list</c>.</summary>
    private static string NameOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{NameOf(parent)} {result.Command.Name}" : "vtpm";

    /// <summary>Failures that have a message of their own; any other is a defect and shows its stack.</summary>
    private static ExitCode? ExitCodeOf(Exception exception) => exception switch
    {
        UsageException or VtpmArgumentException => ExitCode.Usage,
        VtpmStartException { InnerException: StorageException or TpmTransportException } or ManagerException { InnerException: StorageException } =>
            ExitCodeOf(exception.InnerException),
        ChainException chain => chain.ExitCode,
        CommandException command => command.ExitCode,
        ApprovalException or BootException => ExitCode.Failed,
        ManagerException { InnerException: TpmTransportException } => ExitCode.Unavailable,
        VtpmStartException or ManagerException or StateFormatException or StorageException { Fault: StorageFault.Damaged or StorageFault.NewerVersion } => ExitCode.Refused,
        TpmTransportException or StorageException { Fault: StorageFault.InUse } or SocketException => ExitCode.Unavailable,
        TpmException or QuoteException or ConfinementException or StorageException or StateNotSavedException or IOException or UnauthorizedAccessException => ExitCode.Failed,
        _ => null,
    };

    private static Command VersionCommand()
    {
        var command = new Command("version", "Prints the version.");
        command.SetAction(_ => Console.Out.WriteLine($"vtpm {typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}"));
        return command;
    }
}
