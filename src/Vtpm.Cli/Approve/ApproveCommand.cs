using System.CommandLine;

namespace Vtpm.Cli;

/// <summary><c>vtpm approve</c>: the side of a group's authority; what Xen's calc.pl does, and the rest.</summary>
internal static class ApproveCommand
{
    private const string Examples = """

        The authority of a group decides on which machines the group opens (by the PCRs of their hardware TPMs) and which vTPMs it admits. It says so by
        signed lists, which 'vtpm manage group-update' hands to a manager. Its key belongs on a machine of its own: files go between the two.

        Examples:
          vtpm approve key authority.pem
              The authority's key, and authority.modulus, which 'vtpm manage group-add' takes.
          vtpm approve composite --manager unix:admin.sock
              Prints what a running machine is to be approved by, as in 0e00ff=0593ecb564f532df6ef2f4d7272489da52c4c840.
          vtpm approve sign --key authority.pem approved.1 0e00ff=0593ecb564f532df6ef2f4d7272489da52c4c840 'label:*:vtpm:socket'
              A list that approves this machine, and every vTPM that comes in by a socket.
          vtpm approve show approved.1 --modulus authority.modulus
              What a list approves, and whether the authority has signed it.
        """;

    public static Command Create() => new("approve", "The authority of a group: makes its key, and signs what it approves." + Examples)
    {
        Output.Json,
        KeyCommands.Key(),
        KeyCommands.Modulus(),
        CompositeCommand.Create(),
        SignCommand.Create(),
        ShowCommand.Create(),
        SafeKeepingCommands.RegisterStart(),
        SafeKeepingCommands.RegisterFinish(),
        SafeKeepingCommands.RecoverStart(),
        SafeKeepingCommands.RecoverFinish(),
        EscrowCommands.Open(),
    };
}
