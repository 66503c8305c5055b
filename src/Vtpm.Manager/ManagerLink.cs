using System.Text;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// One connection to the manager: who is at the other end (the link says so, never a command) and what it has opened. Ends with the connection.
/// </summary>
internal sealed class ManagerLink
{
    private readonly TpmDigest _labelHash;
    private readonly TpmDigest? _wildcardHash;

    private ManagerLink(Guid? uuid, string label)
    {
        Uuid = uuid;
        _labelHash = Hash(label);
        int colon = label.IndexOf(':', StringComparison.Ordinal);
        _wildcardHash = colon > 0 ? Hash("*" + label[colon..]) : null;
        KernelHash = _labelHash;
    }

    /// <summary>The vTPM; null for an administrator.</summary>
    public Guid? Uuid { get; }

    /// <summary>What the vTPM has opened by its first SAVEHASHKEY or LOADHASHKEY.</summary>
    public ManagerVtpm? Vtpm { get; set; }

    /// <summary>SHA-1 of the vTPM's label, or of the wildcard form of it that its group admits.</summary>
    public TpmDigest KernelHash { get; private set; }

    public bool MayManage => Uuid is null || Vtpm is { } vtpm && (vtpm.Flags & ManagerVtpmFlags.Admin) != 0;

    public static ManagerLink ToVtpm(Guid uuid, string label) => new(uuid, label);

    public static ManagerLink ToAdministrator() => new(null, "administrator");

    /// <summary>Whether the group's kernel list has the vTPM's label, or "*" and the label from its first ':'.</summary>
    public bool IsAdmitted(ManagerGroup group)
    {
        bool exact = group.Kernels.Contains(_labelHash);
        KernelHash = exact ? _labelHash : _wildcardHash ?? _labelHash;
        return group.Kernels.Contains(KernelHash);
    }

    public static TpmDigest Hash(string label) => TpmDigest.Of(Encoding.UTF8.GetBytes(label));
}
