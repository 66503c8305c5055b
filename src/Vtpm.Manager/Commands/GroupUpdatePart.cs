using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>GROUP_UPDATE_PART</c>, ours: a signed configuration that is longer than a message. The last part acts as <see cref="GroupUpdate"/>.
/// </summary>
internal sealed class GroupUpdatePart()
    : ManagerCommand<VtpmGroupUpdatePartRequest, VtpmGroupUpdatePartResponse>(VtpmManagerOrdinal.GroupUpdatePart)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupUpdatePartRequest request, ref VtpmGroupUpdatePartResponse response)
    {
        ManagerLink link = manager.Link;
        ConfigurationUpload? upload = request.Offset == 0 ? ConfigurationUpload.Begin(request) : link.Upload;
        link.Upload = null;   // until this part has its place
        if (upload is null || !upload.TryAppend(request)) return TpmResult.BadParameter;
        response.Received = (uint)upload.Received.Length;
        if (upload.IsWhole) return GroupUpdate.Update(manager, request.Group, upload.Received);
        link.Upload = upload;
        return TpmResult.Success;
    }
}
