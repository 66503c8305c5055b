using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_REGISTER</c>: hands the group's keys to its authority, under a key that the two agree on, with the hardware's word that this is
/// the platform. Only while the process lives that made the group: later nobody could say where the keys have been.
/// </summary>
internal sealed class GroupRegister() : ManagerCommand<VtpmGroupRegisterRequest, VtpmGroupRegisterResponse>(VtpmManagerOrdinal.GroupRegister)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRegisterRequest request, ref VtpmGroupRegisterResponse response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        if (!manager.Manager.IsNew(group))
        {
            manager.Log.Error(
                $"GroupRegister of group {request.Group} refused: its keys were not made since the manager was started (group-rotate makes new ones)");
            return TpmResult.Fail;
        }

        if (!manager.CanSpeakFor(group, "GroupRegister")) return TpmResult.Fail;
        if (request.PcrSelection.PcrSelect.Length > BareQuote.LongestSelection || !DiffieHellman.IsPublic(request.Dhkx1.Span))
            return TpmResult.BadParameter;
        if (!Rsa2048.Verify(group.SaaModulus.Span, request.Dhkx1.Span, request.Signature.Span, HashAlgorithmName.SHA1))
            return TpmResult.BadSignature;

        using var own = new DiffieHellman();
        byte[] blob = GC.AllocateArray<byte>(GroupRecoveryKeys.Size, pinned: true);
        group.GroupKey.CopyTo(blob);
        group.RollbackMacKey.CopyTo(blob.AsSpan(group.GroupKey.Length));
        own.Mask(request.Dhkx1.Span, blob);
        TpmDigest externalData = BareQuote.ExternalData(BareQuote.Registered(request.Dhkx1.Span, own.Public.Span, blob));
        response.Quote = manager.Hardware.Quote(group, externalData, request.PcrSelection).Signature;
        response.Dhkx2 = own.Public;
        response.RecoverBlob = blob;
        manager.Log.Info($"GroupRegister of group {request.Group}: its authority has its keys");
        return TpmResult.Success;
    }
}
