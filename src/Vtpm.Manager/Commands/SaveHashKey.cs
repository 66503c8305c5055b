using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_SAVEHASHKEY</c>: keeps hash and key of a vTPM's state, and answers when they are on the disk. A vTPM that nobody knows joins group 0.
/// </summary>
/// <remarks>
/// Without structures in between: the parameters are a key, and are not to be copied about. It may be executed twice, after what it changed was taken
/// back.
/// </remarks>
internal sealed class SaveHashKey() : ManagerCommand(VtpmManagerOrdinal.SaveHashKey)
{
    public override bool SharesSave => true;

    public override TpmResult Execute(in ManagerContext context, ReadOnlySpan<byte> parameters, Span<byte> body, out int length)
    {
        length = 0;
        if (parameters.Length is < VtpmHashKey.MinSize or > VtpmHashKey.MaxSize || context.Link.Uuid is not { } uuid) return TpmResult.BadParameter;
        string what = $"SaveHashKey of vTPM {uuid}";
        if (!context.Manager.CanKeep(what)) return TpmResult.Fail;
        return context.Link.Vtpm is null && context.Image.FindVtpm(uuid) is null ? SaveNew(context, uuid, parameters) : SaveKnown(context, parameters);
    }

    private static TpmResult SaveKnown(in ManagerContext context, ReadOnlySpan<byte> keyData)
    {
        if (context.Manager.Open(context.Link) is var refusal and not TpmResult.Success) return refusal;
        context.Link.Vtpm!.SetKeyData(keyData);
        return TpmResult.Success;
    }

    private static TpmResult SaveNew(in ManagerContext context, Guid uuid, ReadOnlySpan<byte> keyData)
    {
        ManagerGroup group = context.Image.Groups[0];
        // Checked though it is new: a key that its vTPM could not load again would be lost.
        if (context.Manager.MayOpen(context.Link, uuid, group) is var refusal and not TpmResult.Success) return refusal;
        ManagerVtpmFlags flags = context.Manager.FlagsOfNew(group);
        context.Log.Info($"SaveHashKey with unknown UUID={uuid} - creating in auth0 (f={(int)flags})");
        ManagerVtpm vtpm = group.AddVtpm(uuid, flags)!;
        vtpm.SetKeyData(keyData);
        context.Manager.SetOpen(context.Link, vtpm);
        return TpmResult.Success;
    }
}
