namespace Vtpm.Instance;

/// <summary>
/// The guests of a vTPM that has its devices itself, and outlives them: another domain is another boot, and begins with PCRs of its own. The same one may
/// close its device and open it again; its TPM stays as it was. One that ran before this process had it as a guest has no record of its boot here, and
/// no fresh PCRs either: else a guest that can crash its vTPM could forge a boot.
/// </summary>
/// <param name="log">Takes what must be seen.</param>
public sealed class GuestDomains(Action<string> log)
{
    private Action<bool>? _reset;
    private uint? _guest;
    private bool _isLost;
    private int _open;

    /// <summary>The TPM has started, possibly after the first guest has come.</summary>
    /// <param name="reset">The platform is reset (<see cref="VirtualTpm.Reset"/>), with nothing known of its boot when the argument is true.</param>
    public void Start(Action<bool> reset)
    {
        ArgumentNullException.ThrowIfNull(reset);
        _reset = reset;
        if (_isLost) reset(true);
    }

    /// <summary>A domain gets the TPM as its device, before it can send anything.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="ranBefore">It may have run already, with this vTPM or without.</param>
    /// <returns>False when it must not have it: the TPM does not start for it.</returns>
    public bool Open(uint domain, bool ranBefore)
    {
        bool isOther = domain != _guest;
        bool follows = isOther && _open == 0 && _guest is not null;
        bool loses = isOther && ranBefore && !(_isLost && _open > 0);
        if (follows) log($"domain {domain} follows domain {_guest}: the TPM starts as for another boot");
        else if (isOther && _open > 0) log($"domain {domain} shares the TPM of domain {_guest}, its PCRs too");
        if (loses)
        {
            log($"NO RECORD OF THE BOOT of domain {domain}, which ran before this process had it as a guest: PCRs 0 to 15 are such that nothing opens "
                + "that depends on them, until the guest is restarted ('vtpm tpmback' keeps a record)");
        }

        if ((follows || loses) && !TryReset(domain, loses)) return false;
        if (_open == 0) _guest = domain;
        _open++;
        return true;
    }

    /// <summary>A device that was opened is gone.</summary>
    public void Close() => _open--;

    private bool TryReset(uint domain, bool isLost)
    {
        try
        {
            _reset?.Invoke(isLost);
            _isLost = isLost;
            return true;
        }
        catch (VtpmStartException e)
        {
            log($"domain {domain} gets no TPM: {e.Message}");
            return false;
        }
    }
}
