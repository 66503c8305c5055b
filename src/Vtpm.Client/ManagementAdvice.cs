using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>What a manager's refusal means, and what there is to do about it.</summary>
internal static class ManagementAdvice
{
    private const string SeeLog = "the manager's log says why";

    public static string For(VtpmManagerOrdinal ordinal, TpmResult result) => result switch
    {
        TpmResult.AuthFail => WhoMayNot(ordinal),
        TpmResult.Resources when ordinal == VtpmManagerOrdinal.Introduce => "this vTPM has as many connections as one may have: one that is not used has to end",
        TpmResult.BadIndex => "there is no group of this number; 'vtpm manage list' shows them",
        TpmResult.BadTag => "what answers there is no vTPM manager, nor a vTPM of one: name the manager's admin socket, or a vTPM that is an administrator",
        TpmResult.BadOrdinal when ordinal == VtpmManagerOrdinal.Introduce =>
            "the connection is some vTPM's already: the manager's socket for a backend domain is the one that --host names",
        TpmResult.BadOrdinal => "this manager does not have the command; Xen's own and older ones lack some",
        TpmResult.BadSignature => "the group's authority has not signed this: sign with the key whose modulus group-add was given ('vtpm manage show' has its hash)",
        TpmResult.BadParameter or TpmResult.BadParamSize => Malformed(ordinal),
        TpmResult.Fail => Failed(ordinal),
        TpmResult.Size => "the list has more platforms or kernels than the manager's image holds for a group: take out those that no machine needs any more",
        TpmResult.NoSpace => "the manager's image is full: delete vTPMs or groups that are not needed, or give it a larger image",
        TpmResult.IOError => "the manager cannot reach its disk or the hardware TPM; its log says which",
        TpmResult.DisabledCmd => "the manager's hardware TPM has no such command: it is no TPM 1.2",
        TpmResult.Retry => "the vTPM does not reach its manager now: start it, or look at the vTPM's log",
        _ => SeeLog,
    };

    private static string WhoMayNot(VtpmManagerOrdinal ordinal) => ordinal switch
    {
        VtpmManagerOrdinal.GroupRecover2 => "the reply does not have this group's present keys (was it rotated since it was registered?); begin again with group-recover",
        VtpmManagerOrdinal.GroupList or VtpmManagerOrdinal.GroupNew or VtpmManagerOrdinal.GroupDel =>
            "this vTPM is no administrator: use one that is, or the manager's admin socket",
        VtpmManagerOrdinal.Introduce => "the label is one that this manager gives itself, which nobody can be introduced by",
        < VtpmManagerOrdinal.GroupList => "its group is closed: the machine is not in a configuration that the group's authority has approved",
        _ => "the group is closed, since the machine is not in a configuration that its authority has approved (start it in one, or recover the group);"
            + " or, through a vTPM, this vTPM is no administrator",
    };

    private static string Malformed(VtpmManagerOrdinal ordinal) => ordinal switch
    {
        VtpmManagerOrdinal.GroupNew => "that is no RSA-2048 modulus: give group-add the file that 'vtpm approve key' wrote, 256 bytes",
        VtpmManagerOrdinal.GroupUpdate =>
            "that is no signed configuration, or one without a platform, which group 0 must have; 'vtpm approve show FILE' reads it",
        VtpmManagerOrdinal.VtpmNew => "the uuid is taken; choose another, or leave it out",
        VtpmManagerOrdinal.VtpmDel => "the manager knows no vTPM of this uuid; 'vtpm manage list' shows them",
        _ => $"the manager does not accept what it was given; {SeeLog}",
    };

    private static string Failed(VtpmManagerOrdinal ordinal) => ordinal switch
    {
        VtpmManagerOrdinal.GroupUpdate => "the list's sequence number is not above the present one, or the hardware TPM did not seal; the manager's log says which",
        VtpmManagerOrdinal.GroupDel =>
            "group 0 cannot be deleted, nor a group while a vTPM of it is running: stop those first; nor anything before group 0 has a configuration (group-update 0)",
        VtpmManagerOrdinal.GroupAccept => "nothing says that an older state of this group was put into the image: there is nothing to accept",
        VtpmManagerOrdinal.GroupRegister => "a group is registered while the manager runs that made it, and never later: make a new group, and register it at once",
        VtpmManagerOrdinal.GroupRecover1 => "the group is open: there is nothing to recover",
        VtpmManagerOrdinal.GroupRecover2 => "group-recover comes first, in the life of the same manager, and its reply serves once; an open group has nothing to recover",
        VtpmManagerOrdinal.GroupActivate => "the group has no identity key yet: group-add gives it one",
        VtpmManagerOrdinal.ManagerEscrow => "group 0 has no authority that could open the escrow: 'vtpm manage group-add' gives it one",
        VtpmManagerOrdinal.VtpmDel => "the vTPM is running: stop it first; or group 0 has no configuration yet (group-update 0)",
        VtpmManagerOrdinal.VtpmNew => "nothing is kept before group 0 has an authority and a configuration: 'vtpm manage group-add', then group-update 0",
        _ => SeeLog,
    };
}
