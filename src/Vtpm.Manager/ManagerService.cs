using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The manager as a function of (link, request): which commands there are for whom, and that nothing is acknowledged which is not durable. One
/// thread at a time.
/// </summary>
internal sealed partial class ManagerService(IHardwareTpm hardware, ManagerImage image, RollbackGuard guard, ManagerLog log, ManagerRules rules) : IDisposable
{
    /// <summary>Xen's ring carries no more of a message.</summary>
    public const int MaxLength = 4088;

    /// <summary>More than an image holds vTPMs.</summary>
    private const int MostLinks = 1 << 15;

    private readonly Dictionary<Guid, ManagerLink> _open = [];
    private readonly HashSet<Guid> _newGroups = [];
    private readonly Dictionary<Guid, ManagerLink> _lastLinks = [];
    private readonly SharedSave _shared = new();
    // Where in the image's changes those of the present command begin.
    private int _mark;

    public IHardwareTpm Hardware { get; } = hardware;

    public ManagerImage Image { get; } = image;

    public ManagerLog Log { get; } = log;

    /// <summary>What fails of saving, as often as somebody tries.</summary>
    public ManagerLog SaveLog => Log.About("saving the manager's image");

    /// <summary>Groups whose authorities were asked for their keys.</summary>
    public PendingRecoveries Recoveries { get; } = new();

    /// <summary>Held by whoever calls anything here, where several threads do.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Counts the requests that have come.</summary>
    public long Requests { get; private set; }

    /// <summary>Whether requests wait for a save that they share.</summary>
    public bool HasPending => !_shared.IsEmpty;

    /// <summary>Why nothing more is saved, where the image has to be protected against older copies of itself and is not; empty while saves are.</summary>
    public string RefusesSaves => guard.Refusal;

    /// <summary>The links of vTPMs that are open.</summary>
    public IEnumerable<ManagerLink> OpenLinks => _open.Values;

    /// <summary>Answers one request, at once; never throws for what is in it.</summary>
    public int Handle(ManagerLink link, ReadOnlySpan<byte> request, Span<byte> response)
    {
        int length = Begin(link, request, response);
        return length == TpmServer.Deferred ? Finish(link, response) : length;
    }

    /// <summary>
    /// Answers one request, or returns <see cref="TpmServer.Deferred"/> for one that is to share its save with others: <see cref="Finish"/> then
    /// answers it. Never throws for what is in the request.
    /// </summary>
    public int Begin(ManagerLink link, ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (WireFormat.Read(request[..Math.Min(request.Length, TpmHeader.Size)], out TpmHeader header) != TpmResult.Success || header.ParamSize != request.Length)
            return Failure(request, TpmResult.BadParamSize, response);
        bool deferred = false;
        Requests++;
        if (!Shares(header)) EndShare(link);
        _mark = Image.Mark();
        try
        {
            int length = header.Tag switch
            {
                TpmTag.VtpmReq => Execute(link, header, ManagerCommands.OfVtpms, request, response),
                TpmTag.VtpmReq2 when header.ManagerOrdinal != VtpmManagerOrdinal.ManagerPlatform && !MayManage(link) => Refuse(link, header, TpmResult.AuthFail, request, response),
                TpmTag.VtpmReq2 => Execute(link, header, ManagerCommands.OfAdministrators, request, response),
                TpmTag.RquCommand or TpmTag.RquAuth1Command or TpmTag.RquAuth2Command => PassThrough(link, header, request, response),
                _ => Refuse(link, header, TpmResult.BadTag, request, response),
            };
            deferred = length == TpmServer.Deferred;
            return length;
        }
        catch (Exception e)
        {
            return Failure(request, Explain(LogOf(link), Name(header), e), response);
        }
        finally
        {
            // What a command changed and did not save is not there; what those before it have changed is.
            if (!deferred) TakeBack(link, _mark);
        }
    }

    /// <summary>Answers the request for which <see cref="Begin"/> has returned <see cref="TpmServer.Deferred"/>.</summary>
    public int Finish(ManagerLink link, Span<byte> response)
    {
        _shared.Commit(this);
        TpmResult result = link.Saved ?? TpmResult.Fail;
        link.Saved = null;
        return Answer(result, 0, response);
    }

    public void Dispose() => Recoveries.Dispose();

    /// <summary>The connection is gone: its vTPM can be opened again.</summary>
    public void Close(ManagerLink link)
    {
        link.Upload = null;
        if (link.Vtpm is null) return;
        _open.Remove(link.Vtpm.Uuid);
        link.Vtpm = null;
    }

    /// <summary>Takes back what was changed since <see cref="ManagerImage.Mark"/>; a vTPM that was new is not open then.</summary>
    public void TakeBack(ManagerLink link, int mark)
    {
        Image.Rollback(mark);
        if (link.Vtpm is { } vtpm && Image.FindVtpm(vtpm.Uuid) != vtpm) Close(link);
    }

    public bool IsOpen(Guid uuid) => _open.ContainsKey(uuid);

    public void SetOpen(ManagerLink link, ManagerVtpm vtpm)
    {
        _open[vtpm.Uuid] = link;
        link.Vtpm = vtpm;
    }

    /// <summary>The last link by which that vTPM came to be opened, admitted or not; null when none did.</summary>
    public ManagerLink? LastLink(Guid uuid) => _lastLinks.GetValueOrDefault(uuid);

    /// <summary>Whether management commands and Extend are for this link: an administrator's, or of a vTPM that is one and was admitted.</summary>
    public bool MayManage(ManagerLink link) => link.Uuid is null || link.Vtpm is { } vtpm && IsAdministrator(vtpm);

    /// <summary>Takes what a link's commands bring about; of a vTPM that may do no harm by its commands either, within bounds.</summary>
    public ManagerLog LogOf(ManagerLink link) => link.Uuid is { } uuid && !MayManage(link) ? Log.Of(uuid) : Log;

    public bool IsAdministrator(ManagerVtpm vtpm) => (vtpm.Flags & ManagerVtpmFlags.Admin) != 0 || rules.AdminVtpms.Contains(vtpm.Uuid);

    /// <summary>What the first vTPM that comes to group 0 is given.</summary>
    public ManagerVtpmFlags FlagsOfNew(ManagerGroup group) =>
        rules.FirstIsAdmin && group.VtpmCount == 0 ? ManagerVtpmFlags.Admin : ManagerVtpmFlags.None;

    /// <summary>Whether the group's keys were made by this process: only then they have never been anywhere else.</summary>
    public bool IsNew(ManagerGroup group) => _newGroups.Contains(group.Uuid);

    public void MarkNew(ManagerGroup group) => _newGroups.Add(group.Uuid);

    /// <summary>Opens the link's vTPM on its first command.</summary>
    public TpmResult Open(ManagerLink link)
    {
        if (link.Vtpm is not null) return TpmResult.Success;
        if (link.Uuid is not { } uuid || Image.FindVtpm(uuid) is not { } vtpm) return TpmResult.BadParameter;
        if (!vtpm.Group.IsOpen)
        {
            Log.Of(uuid).Error(
                $"vTPM {uuid}: its group {vtpm.Group.Uuid} is not open: the hardware's configuration is none that the group's authority has approved");
            return TpmResult.AuthFail;
        }

        if (MayOpen(link, uuid, vtpm.Group) is var refusal and not TpmResult.Success) return refusal;
        SetOpen(link, vtpm);
        return TpmResult.Success;
    }

    /// <summary>Whether the link may open that vTPM in that group.</summary>
    public TpmResult MayOpen(ManagerLink link, Guid uuid, ManagerGroup group)
    {
        if (_lastLinks.Count >= MostLinks) _lastLinks.Clear();   // vTPMs come and go; nobody asks for those of long ago.
        _lastLinks[uuid] = link;
        if (IsOpen(uuid))
        {
            Log.Of(uuid).Error($"vTPM {uuid}: attempted to open it twice; the first connection has to close");
            return TpmResult.Disabled;
        }

        // A manager that keeps nothing has no list of kernels either.
        if (link.IsAdmitted(group) || !Image.IsPersistent) return TpmResult.Success;
        string executable = link.ExecutableHash is { } hash ? $", or its executable's {hash}," : "";
        Log.Of(uuid).Error(
            $"vTPM {uuid}: label:{link.Label} (kernel hash {link.LabelHash}){executable} is not on the list of group {group.Index}; "
            + "sign a configuration with it (vtpm approve sign, vtpm manage group-update)");
        return TpmResult.Disabled;
    }

    /// <summary>Whether a change would be kept; if not, says so in the log.</summary>
    public bool CanKeep(string what)
    {
        if (Image.IsPersistent) return true;
        SaveLog.Warn(
            $"{what}: group 0 has no approved configuration, so nothing can be sealed and NOTHING IS KEPT on disk: provision the manager (vtpm up does, or group-add and group-update 0)");
        return rules.AllowUnprovisioned;
    }

    /// <summary>Whether new keys would be found again: not while the image opens by its recovery key alone, which has the old ones.</summary>
    public bool CanRotate(string what)
    {
        if (!Image.Groups[0].IsRecovered) return true;
        Log.Error($"{what}: refused while the image opens by its recovery key alone: first approve the present platform (group-update 0)");
        return false;
    }

    /// <summary>
    /// Ends what a failed save has left in doubt, or is TPM_IOERROR: a vTPM that was told a key which the disk may not have would write over the
    /// slot that a restart then names.
    /// </summary>
    public TpmResult Settle(string what)
    {
        if (!Image.IsInDoubt) return TpmResult.Success;
        if (Image.TrySettle(out string reason))
        {
            Log.Warn("the image's disk works again: the save that was in doubt is withdrawn");
            return TpmResult.Success;
        }

        SaveLog.Error(
            $"{what}: refused, since a save is in doubt and cannot be withdrawn: {reason}. Look after the image's disk; every request tries again");
        return TpmResult.IOError;
    }

    /// <summary>Makes what the command changed durable; what is refused here is taken back when the command ends.</summary>
    public TpmResult Save(string what) => Save(what, guard.Save);

    /// <summary>
    /// The same for what takes something away, from a platform, a group or a vTPM: an older image, which still grants it, is excluded before this is
    /// acknowledged, as far as the hardware TPM can.
    /// </summary>
    public TpmResult SaveRevoking(string what, bool renewsKey = false) => Save(what, () => guard.SaveRevoking(what, renewsKey));

    private TpmResult Save(string what, Func<ManagerSave> write)
    {
        if (Settle(what) is var refusal and not TpmResult.Success) return refusal;
        ManagerSave save = write();
        if (save.Write is ManagerWrite.Saved or ManagerWrite.NotSealed) return TpmResult.Success;
        string doubt = save.InDoubt ? "; the disk may have it all the same: until this can be withdrawn, no vTPM is given its key" : "";
        SaveLog.Error($"{what}: not saved: {save.Reason}{doubt}");
        return save.Write switch
        {
            ManagerWrite.Full => TpmResult.NoSpace,
            ManagerWrite.SealRefused => TpmResult.Fail,
            _ => TpmResult.IOError,
        };
    }

    private int Execute(ManagerLink link, in TpmHeader header, IReadOnlyDictionary<VtpmManagerOrdinal, ManagerCommand> commands, ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (!commands.TryGetValue(header.ManagerOrdinal, out ManagerCommand? command))
            return Refuse(link, header, TpmResult.BadOrdinal, request, response);
        Span<byte> body = response[TpmHeader.Size..Math.Min(response.Length, MaxLength)];
        TpmResult result = command.Execute(new ManagerContext(this, link), request[TpmHeader.Size..], body, out int length);
        if (result == TpmResult.Success && command.SharesSave && !_shared.IsEmpty && !Image.FitsBesideOtherRoot())
        {
            // Together with the others it would be too much: they are saved first.
            TakeBack(link, _mark);
            EndShare(link);
            _mark = Image.Mark();
            result = command.Execute(new ManagerContext(this, link), request[TpmHeader.Size..], body, out length);
        }

        if (result != TpmResult.Success)
        {
            body.Clear();
            return Failure(request, result, response);
        }

        if (!command.SharesSave) return Answer(TpmResult.Success, length, response);
        _shared.Add(link, $"{command.Ordinal} of vTPM {link.Uuid}");
        return TpmServer.Deferred;
    }

    // Anything but another save comes after those that wait, whose clients are not to wait for it either.
    private void EndShare(ManagerLink link)
    {
        if (_shared.IsEmpty) return;
        link.FinishAll?.Invoke();
        _shared.Commit(this);
    }

    private int PassThrough(ManagerLink link, in TpmHeader header, ReadOnlySpan<byte> request, Span<byte> response)
    {
        // No authorization: the hardware's sessions are the manager's own.
        bool allowed = header.Tag == TpmTag.RquCommand && header.Ordinal switch
        {
            TpmOrdinal.GetRandom or TpmOrdinal.PcrRead => true,
            TpmOrdinal.Extend => MayManage(link),
            _ => false,
        };
        if (!allowed) return Refuse(link, header, TpmResult.DisabledCmd, request, response);
        return Hardware.PassThrough(request, response);
    }

    private static bool Shares(in TpmHeader header) =>
        header.Tag == TpmTag.VtpmReq && ManagerCommands.OfVtpms.TryGetValue(header.ManagerOrdinal, out ManagerCommand? command) && command.SharesSave;
}
