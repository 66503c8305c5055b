using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_NEW</c>: a group under an authority (SAA), with an identity key that the hardware TPM makes. The first one is group 0, which
/// every image has from its start, without authority.
/// </summary>
internal sealed class GroupNew() : ManagerCommand<VtpmGroupNewRequest, VtpmGroupNewResponse>(VtpmManagerOrdinal.GroupNew)
{
    private const int RsaSize = 256;

    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupNewRequest request, ref VtpmGroupNewResponse response)
    {
        // Even or short, it is no modulus: nothing could ever be signed for such a group.
        if (request.SaaModulus.Span is not [>= 0x80, ..] || request.SaaModulus.Span[^1] % 2 == 0) return TpmResult.BadParameter;
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
        byte[] none = new byte[RsaSize];
        if (!manager.Hardware.MakesIdentities)
        {
            manager.Log.Warn($"GroupNew {group.Uuid}: the hardware is a TPM 2.0, so the group has no identity key and its vTPMs give no deep quotes");
            group.SetIdentity(request.SaaModulus.Span, none, none, none);
            (response.AikModulus, response.IdentityBinding) = (none, none);
            return true;
        }

        (TpmKey key, byte[] binding) = manager.Hardware.MakeIdentity(group, request.LabelDigest);
        if (key.PubKey.Key.Length != RsaSize || key.EncData.Length != RsaSize || binding.Length != RsaSize)
        {
            manager.Log.Error(
                $"GroupNew: the hardware TPM made an identity key of {key.PubKey.Key.Length}, {key.EncData.Length} and {binding.Length} bytes; the image has place for 256 each");
            return false;
        }

        group.SetIdentity(request.SaaModulus.Span, key.PubKey.Key.Span, key.EncData.Span, none);
        (response.AikModulus, response.IdentityBinding) = (key.PubKey.Key, binding);
        return true;
    }
}
