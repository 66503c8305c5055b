using System.Text;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// One connection to the manager: who is at the other end (the link says so, never a command) and what it has opened. Ends with the connection.
/// </summary>
internal sealed class ManagerLink
{
    private readonly TpmDigest? _wildcardHash;

    private ManagerLink(Guid? uuid, string label, TpmDigest? executableHash)
    {
        Uuid = uuid;
        ExecutableHash = executableHash;
        Label = label;
        LabelHash = Hash(label);
        _wildcardHash = VtpmLabel.Wildcard(label) is { } wildcard ? Hash(wildcard) : null;
        KernelHash = LabelHash;
    }

    /// <summary>The vTPM; null for an administrator.</summary>
    public Guid? Uuid { get; }

    /// <summary>What the vTPM has opened by its first SAVEHASHKEY or LOADHASHKEY.</summary>
    public ManagerVtpm? Vtpm { get; set; }

    /// <summary>How a save ended that this link shares with others, until it is answered; null while there is none.</summary>
    public TpmResult? Saved { get; set; }

    /// <summary>The XSM label of the vTPM's guest or domain; where there is none, what this manager calls it.</summary>
    public string Label { get; }

    /// <summary>SHA-1 of the vTPM's label.</summary>
    public TpmDigest LabelHash { get; }

    /// <summary>SHA-1 of the executable that the peer was running when it came; null when that was not measured.</summary>
    public TpmDigest? ExecutableHash { get; }

    /// <summary>By which the vTPM's group admits it: one of the two before, or the wildcard form of the label.</summary>
    public TpmDigest KernelHash { get; private set; }

    /// <summary>
    /// Has <see cref="ManagerService.Finish"/> called for every request that waits for it among those which come the same way: one has come that they
    /// are not to wait for.
    /// </summary>
    public Action? FinishAll { get; init; }

    /// <summary>A signed configuration that is coming in parts.</summary>
    public ConfigurationUpload? Upload { get; set; }

    public static ManagerLink ToVtpm(Guid uuid, string label, TpmDigest? executableHash = null, Action? finishAll = null) =>
        new(uuid, label, executableHash) { FinishAll = finishAll };

    public static ManagerLink ToAdministrator(Action? finishAll = null) => new(null, "administrator", null) { FinishAll = finishAll };

    /// <summary>Whether the group's kernel list has the peer's executable, the vTPM's label, or "*" and the label from its first ':'.</summary>
    public bool IsAdmitted(ManagerGroup group)
    {
        // What says most comes first: it is what a quote then tells.
        if (ExecutableHash is { } executable && group.Kernels.Contains(executable)) KernelHash = executable;
        else if (group.Kernels.Contains(LabelHash)) KernelHash = LabelHash;
        else KernelHash = _wildcardHash ?? LabelHash;
        return group.Kernels.Contains(KernelHash);
    }

    public static TpmDigest Hash(string label) => TpmDigest.Of(Encoding.UTF8.GetBytes(label));
}
