using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_NEW</c>: a group under an authority (SAA), with an identity key that the hardware TPM makes. The first one is group 0, which
/// every image has from its start, without authority.
/// </summary>
internal sealed class GroupNew() : ManagerCommand<VtpmGroupNewRequest, VtpmGroupNewResponse>(VtpmManagerOrdinal.GroupNew)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupNewRequest request, ref VtpmGroupNewResponse response)
    {
        // Even or short, it is no modulus: nothing could ever be signed for such a group.
        if (!Rsa2048.IsModulus(request.SaaModulus.Span)) return TpmResult.BadParameter;
        ManagerGroup group = manager.Image.Groups[0].HasAuthority() ? manager.Image.AddGroup() : manager.Image.Groups[0];
        if (!TryGiveIdentity(manager, group, request, ref response)) return TpmResult.Fail;
        string what = $"GroupNew {group.Uuid} (group {group.Index})";
        if (!manager.Image.IsPersistent) manager.Log.Info($"{what}: kept in memory until group 0 has an approved configuration (group-update 0)");
        if (manager.Manager.Save(what) is var failure and not TpmResult.Success) return failure;
        manager.Manager.MarkNew(group);
        response.GroupUuid = group.Uuid;
        return TpmResult.Success;
    }

    /// <summary>The authority, and the identity key where the hardware makes one; elsewhere the response says zeroes.</summary>
    private static bool TryGiveIdentity(in ManagerContext manager, ManagerGroup group, in VtpmGroupNewRequest request, ref VtpmGroupNewResponse response)
    {
        byte[] none = new byte[Rsa2048.Size];
        if (!manager.Hardware.MakesIdentities)
        {
            manager.Log.Warn($"GroupNew {group.Uuid}: the hardware is a TPM 2.0, so the group has no identity key and its vTPMs give no deep quotes");
            group.SetIdentity(request.SaaModulus.Span, none, none, none);
            (response.AikModulus, response.IdentityBinding) = (none, none);
            return true;
        }

        if (!IdentityKey.TryMake(manager, group, request.LabelDigest, "GroupNew", out IdentityKey? identity)) return false;
        group.SetIdentity(request.SaaModulus.Span, identity.Modulus.Span, identity.EncData.Span, none);
        (response.AikModulus, response.IdentityBinding) = (identity.Modulus, identity.Binding);
        return true;
    }
}
