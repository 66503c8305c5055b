using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_REGISTER</c>: hands the group's keys to its authority, under a key that the two agree on, with the hardware's word that this is
/// the platform. Only while the process lives that made the group: later nobody could say where the keys have been.
/// </summary>
internal sealed class GroupRegister() : ManagerCommand<VtpmGroupRegisterRequest, VtpmGroupRegisterResponse>(VtpmManagerOrdinal.GroupRegister)
{
    private const int KeySize = 32;
    private const int LongestSelection = 32;

    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupRegisterRequest request, ref VtpmGroupRegisterResponse response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        if (!manager.Manager.IsNew(group))
        {
            manager.Log.Error($"GroupRegister of group {request.Group} refused: it was not made since the manager was started");
            return TpmResult.Fail;
        }

        if (!manager.CanSpeakFor(group, "GroupRegister")) return TpmResult.Fail;
        if (request.PcrSelection.PcrSelect.Length > LongestSelection || !DiffieHellman.IsPublic(request.Dhkx1.Span)) return TpmResult.BadParameter;
        if (!ApprovalSignature.Verify(group.SaaModulus.Span, request.Dhkx1.Span, request.Signature.Span)) return TpmResult.BadSignature;

        byte[] dhkx2 = new byte[DiffieHellman.Size];
        byte[] blob = RecoverBlob(group, request.Dhkx1.Span, dhkx2);
        TpmDigest registered = TpmDigest.Of([.. "REGR"u8, .. request.Dhkx1.Span, .. dhkx2, .. blob]);
        // Hashed once more, with flags of zero, as GETQUOTE does.
        TpmDigest externalData = TpmDigest.Of([0, 0, 0, 0, .. registered.ReadOnlySpan]);
        response.Quote = manager.Hardware.Quote(group, externalData, request.PcrSelection).Signature;
        response.Dhkx2 = dhkx2;
        response.RecoverBlob = blob;
        manager.Log.Info($"GroupRegister of group {request.Group}: its authority has its keys");
        return TpmResult.Success;
    }

    /// <summary>The agreed key, with the group's two keys laid over it.</summary>
    private static byte[] RecoverBlob(ManagerGroup group, ReadOnlySpan<byte> dhkx1, Span<byte> dhkx2)
    {
        byte[] blob = new byte[KeySize];
        DiffieHellman.Exchange(dhkx1, dhkx2, blob);
        ReadOnlySpan<byte> groupKey = group.GroupKey;
        ReadOnlySpan<byte> macKey = group.RollbackMacKey;
        for (int i = 0; i < groupKey.Length; i++) blob[i] ^= groupKey[i];
        for (int i = 0; i < macKey.Length; i++) blob[groupKey.Length + i] ^= macKey[i];
        return blob;
    }
}
