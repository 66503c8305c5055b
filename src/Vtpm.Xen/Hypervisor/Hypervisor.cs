namespace Vtpm.Xen;

/// <summary>What the hypervisor itself tells of other domains. A domain that may not ask it learns nothing.</summary>
internal sealed class Hypervisor(Func<IHypercalls> open) : IDisposable
{
    private IHypercalls? _hypercalls;
    private DomainControl? _domains;
    private FlaskLabels? _labels;
    private bool _tried;

    public DomainInfo? Describe(uint domain)
    {
        Open();
        return _domains?.Describe(domain) is { } found ? found.Info with { Label = _labels?.Of(found.SecurityId) } : null;
    }

    public string? LabelOfPeer(uint port)
    {
        Open();
        return _labels?.OfPeer(port);
    }

    public void Dispose() => _hypercalls?.Dispose();

    private void Open()
    {
        if (_tried) return;
        _tried = true;
        try
        {
            _hypercalls = open();
            _domains = new DomainControl(_hypercalls);
            _labels = new FlaskLabels(_hypercalls);
        }
        catch (XenException)
        {
            // Not this domain's, or not this user's: the answers are "unknown".
        }
    }
}
