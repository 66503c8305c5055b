using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_RECOVER2</c>: opens a closed group, in memory, by the keys that its authority has answered to <see cref="GroupRecover1"/>.
/// GROUP_UPDATE then seals it to the present platform. The original never implemented it.
/// </summary>
internal sealed class GroupRecover2() : ManagerCommand<VtpmGroupRecover2Request, NoParameters>(VtpmManagerOrdinal.GroupRecover2)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRecover2Request request, ref NoParameters response)
    {
        if (manager.FindAnyGroup(request.Group) is not { } group) return TpmResult.BadIndex;
        if (!DiffieHellman.IsPublic(request.Dhkx2.Span)) return TpmResult.BadParameter;
        // Taken, whatever comes of it: a value that could be asked again and again would answer questions.
        using DiffieHellman? own = manager.Manager.Recoveries.Take(group);
        if (own is null || group.IsOpen)
        {
            manager.Log.Error($"GroupRecover2 of group {request.Group} refused: GroupRecover1 comes first, in the life of the same manager");
            return TpmResult.Fail;
        }

        byte[] keys = GC.AllocateArray<byte>(GroupRecoveryKeys.Size, pinned: true);
        request.RecoverBlob.CopyTo(keys);
        own.Mask(request.Dhkx2.Span, keys);
        bool opened = group.TryOpen(keys.AsSpan(0, keys.Length / 2), keys.AsSpan(keys.Length / 2));
        CryptographicOperations.ZeroMemory(keys);
        if (opened) return Opened(manager, group);
        manager.Log.Error($"GroupRecover2 of group {request.Group} refused: these are not the group's keys");
        return TpmResult.AuthFail;
    }

    private static TpmResult Opened(in ManagerContext manager, ManagerGroup group)
    {
        string what = $"group {group.Index} ({group.Uuid})";
        if (group.RollbackDetected) manager.Log.Warn($"{what}: an older state of it may have been put into this image");
        manager.Log.Warn(
            $"{what} is RECOVERED: open in memory, its {group.VtpmCount} vTPMs have their keys. It is closed again at the next start, unless a "
            + "configuration that approves this platform is installed (group-update). The secret of its identity key is not recovered: it quotes again "
            + "with another one (group-identity)");
        return TpmResult.Success;
    }
}
