using System.CommandLine;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>The options that say which manager is meant, and by which way.</summary>
internal sealed class ManagementLink
{
    public Option<TpmAddress> Manager { get; } = Options.Address(
        "--manager", "The manager's admin socket: unix:PATH, as in vtpm manager --admin. Without it, that of the chain in --dir.");

    public Option<TpmAddress> Tpm { get; } = Options.Address(
        "--tpm", "Instead of that, the TPM of a guest whose vTPM is an administrator: /dev/tpm0 in the guest, unix:PATH or tcp:HOST:PORT.");

    public Option<string> Dir { get; } = UpCommand.Folder();

    public ManagementLink()
    {
        Manager.Recursive = Tpm.Recursive = Dir.Recursive = true;
        Dir.Description = "The folder of a chain that vtpm up runs.";
    }

    /// <summary>A link to the manager itself, or to a vTPM of its; the second only when it was asked for.</summary>
    public (TpmAddress Address, bool IsVtpm) Find(ParseResult result)
    {
        TpmAddress? manager = result.GetValue(Manager);
        TpmAddress? tpm = result.GetValue(Tpm);
        if (manager is not null && tpm is not null) throw new UsageException("--manager and --tpm are two ways to one manager: give one of them");
        if (tpm is not null) return (tpm, true);
        if (manager is not null) return (manager, false);
        string socket = ChainFolder.AdminSocketIn(result.GetRequiredValue(Dir));
        return File.Exists(socket)
            ? (TpmAddress.Unix(socket), false)
            : throw new CommandException(
                $"no manager runs in {Path.GetDirectoryName(socket)}: start 'vtpm up', or name a manager's admin socket with --manager unix:PATH, or a chain's folder with --dir",
                ExitCode.Unavailable);
    }

    /// <summary>The PCRs of the hardware TPM below either of the two, by their numbers.</summary>
    public IReadOnlyDictionary<int, TpmDigest> ReadHardwarePcrs(ParseResult result)
    {
        (TpmAddress address, bool isTpm) = Find(result);
        using ITpmConnection connection = TpmConnection.Open(address);
        TpmDigest[] values = isTpm ? HardwarePcrs.ReadBelow(connection) : HardwarePcrs.Read(connection);
        return Enumerable.Range(0, values.Length).ToDictionary(pcr => pcr, pcr => values[pcr]);
    }

    public VtpmManagement Open(ParseResult result) => new(TpmConnection.Open(Find(result).Address));
}
