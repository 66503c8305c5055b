using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// Saves of several vTPMs that become durable by one barrier (ADR 12). What they change is in the image's memory from the time they are added, and is
/// acknowledged to nobody before <see cref="Commit"/>.
/// </summary>
internal sealed class SharedSave
{
    private readonly List<(ManagerLink Link, string What)> _pending = [];

    public bool IsEmpty => _pending.Count == 0;

    /// <summary>What this link's command has changed in the image waits for <see cref="Commit"/>.</summary>
    public void Add(ManagerLink link, string what)
    {
        link.Saved = null;
        _pending.Add((link, what));
    }

    /// <summary>Makes all of it durable or takes all of it back, and tells each link which.</summary>
    public void Commit(ManagerService service)
    {
        if (IsEmpty) return;
        TpmResult result = Save(service, string.Join(", ", _pending.Select(pending => pending.What)));
        foreach ((ManagerLink link, _) in _pending)
        {
            if (result != TpmResult.Success) service.TakeBack(link, mark: 0);
            link.Saved = result;
        }

        _pending.Clear();
    }

    private static TpmResult Save(ManagerService service, string what)
    {
        try
        {
            return service.Save(what);
        }
        catch (Exception e)
        {
            return ManagerService.Explain(service.SaveLog, what, e);
        }
    }
}
